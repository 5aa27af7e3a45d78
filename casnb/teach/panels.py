"""What a lab opens to click or to look at: one method for each panel and picture."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from casnb.base.errors import UsageError
from casnb.policy.policy import AttestationPolicy
from casnb.teach.course.questions import questions
from casnb.teach.course.workbook import Workbook
from casnb.teach.facts import Cases
from casnb.teach.opening import openings, opens
from casnb.teach.premises import Premises
from casnb.teach.render import Table

if TYPE_CHECKING:
    from casnb.teach.chain import Chain
    from casnb.teach.explorer.panel import ByteExplorer
    from casnb.teach.gallery.gallery import Gallery
    from casnb.teach.measuring.panel import MeasurePanel
    from casnb.teach.predicting.buttons import PredictPanel
    from casnb.teach.predicting.model import Foretold
    from casnb.teach.predicting.panel import MalloryPanel
    from casnb.teach.quiz.panel import QuestionPanel
    from casnb.teach.scraping.model import Scraper
    from casnb.teach.scraping.panel import ScrapePanel
    from casnb.teach.switchboard.panel import Switchboard
    from casnb.teach.tampering.panel import TamperPanel
    from casnb.teach.worldmap.picture import WorldMap


class Panels(Premises, Workbook):
    """The panels of a lab, each on its world, report and address; a panel is loaded when it is
    opened.
    """

    cases: Cases

    def panels(self) -> Table:
        """Return what a lab opens to click or to look at: a line to run, and what it shows."""
        return Table(("run", "to see"), [(o.line, o.shows) for o in openings(type(self))])

    @opens(
        "lab.panel()",
        "the switchboard: flags, the checks that follow, and whom they let in",
    )
    def panel(self, **state: Any) -> Switchboard:
        """Return a switchboard on this lab's seed and address: flags, checks, and Mallory.

        Before chapter 06 she tries only what a flag decides or nobody asked about; `attacks` names
        others.
        """
        from casnb.mallory.attacks import ATTACKS
        from casnb.teach.switchboard.model import SWITCHED
        from casnb.teach.switchboard.panel import Switchboard

        spoken_of = SWITCHED if self.chapter < "06" else tuple(ATTACKS)
        return Switchboard(self.cases, **{"address": self.address, "attacks": spoken_of, **state})

    @opens('lab.map("-G")', "the world map: which gates stand open, and who comes through")
    def map(self, *flags: str, scenario: str = "") -> WorldMap:
        """Return the world map for a scenario's report (this lab's unless one is named) and these
        flags: which gates stand open, and who of all attacks comes through.

        Flags are long names or options. Raises UsageError for flags that contradict each other.
        """
        from casnb.policy.policy import AttestationPolicy
        from casnb.teach.switchboard.model import SwitchboardModel, sentence, verdict_name
        from casnb.teach.worldmap.picture import WorldMap

        names = AttestationPolicy().with_flags(*flags).flags()
        model = SwitchboardModel(self.cases, scenario=scenario or self.scenario, flags=names)
        if model.problems:
            raise UsageError("flags", got=" ".join(flags), wanted=model.problems[0])
        return WorldMap(model.standing(), verdict_name(model), sentence(model))

    @opens(
        "lab.scrape_lab(lambda html: html[:64])",
        "the public page as it changed, and what each scraper makes of it",
    )
    def scrape_lab(self, scraper: Scraper | None = None, **state: Any) -> ScrapePanel:
        """Return the public CAS page through its history, with the classic pipeline, a scraper
        of the reader's, and casnb's scored.

        `scraper` takes the text of a page and returns the MRENCLAVE of `scone-cas.cf`; None or
        an exception is a refusal.
        """
        from casnb.teach.scraping.panel import ScrapePanel

        return ScrapePanel(self.world, scraper, **state)

    @opens("lab.explorer()", "a report byte by byte, with the checks that look at each")
    def explorer(self, evidence: object = None, result: Any = None, **layers: Any) -> ByteExplorer:
        """Return a byte explorer on a piece of evidence with the checks of `result`; left out,
        on the saved report with its own.
        """
        from casnb.teach.explorer.panel import ByteExplorer

        if evidence is None:
            evidence, result = self.facts.report, self.facts.minimal.result
        return ByteExplorer(evidence, result, **layers)

    @opens("lab.tamper()", "the saved report with bytes changed, and the first check that notices")
    def tamper(self, scenario: str = "", means: str = "none") -> TamperPanel:
        """Return a tamper lab on the saved report, or on that of another scenario."""
        from casnb.teach.tampering.panel import TamperPanel

        return TamperPanel(self.cases.get(scenario) if scenario else self.facts, means=means)

    @opens("lab.measure()", "how an MRENCLAVE grows, page by page, and what changes it")
    def measure(self, **state: Any) -> MeasurePanel:
        """Return a measurement lab on this CAS's enclave; `state` are changes, as
        `casnb.teach.measuring.model.Build` has them.
        """
        from casnb.teach.measuring.panel import MeasurePanel

        return MeasurePanel(self.world.enclave, **state)

    @opens("lab.gallery()", "every usual TLS mistake with every usual tool, made for real")
    def gallery(self) -> Gallery:
        """Make every usual TLS mistake with every usual tool, for real, and return what became
        of each. Takes a second or two.
        """
        from casnb.teach.gallery.gallery import build_gallery

        folder = self.folder / "gallery"
        folder.mkdir(exist_ok=True)
        return build_gallery(self.world, self.host, self.port, folder, self.env)

    @opens(
        "lab.chain()",
        "the attested CAS's certificates, from root to key",
    )
    def chain(self, policy: AttestationPolicy | None = None) -> Chain:
        """Attest this lab's CAS, look at the certificate that it presents, and return the chain
        from the root to it.
        """
        from casnb.cas.asking import attempt
        from casnb.teach.chain import chain_of

        tried = attempt(self.address, policy or AttestationPolicy(), roots=self.roots)
        return chain_of(
            tried,
            leaf=ssl.PEM_cert_to_DER_cert(
                ssl.get_server_certificate((self.host, self.port), timeout=5)
            ),
        )

    @opens('lab.predict("forged-quote")', "one attack as buttons: say first, then see")
    def predict(
        self,
        name: str,
        prediction: object = ...,
        line: str | Sequence[str] | None = None,
        *,
        skip: Collection[str] = (),
        add: Collection[str] = (),
    ) -> Foretold | PredictPanel | QuestionPanel:
        """Ask what will happen, as buttons: whether an attack gets in, or a question of the lesson.

        Nothing runs before one is pressed. With a prediction, 'in' or 'out', the attack runs at
        once, as without a browser. Without `line` and habits it runs against the defence that its
        own description names. What was said is kept, with what it was.
        """
        from casnb.mallory.attacks import Defence
        from casnb.teach.predicting.model import foretell

        if name in questions():
            return self.ask(name)
        given = line is not None or skip or add
        defence = Defence.of(line or "", skip=skip, add=add) if given else None

        def run(said: object) -> Foretold:
            return foretell(name, said, defence, seed=self.seed)

        if prediction is not ...:
            return run(prediction)
        from casnb.teach.predicting.buttons import PredictPanel

        return PredictPanel(run(...), run, self._record_said)

    @opens("lab.mallory()", "any attack against any defence: say first, then see")
    def mallory(self, **state: Any) -> MalloryPanel:
        """Return the prediction panel on this lab's seed; `attack` and `defence` may be given."""
        from casnb.teach.predicting.panel import MalloryPanel

        return MalloryPanel(self.seed, **state)
