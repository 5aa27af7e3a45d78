"""The measurement lab as a panel: build an enclave page by page, change one thing, and watch
MRENCLAVE.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import ipywidgets as widgets
import traitlets

from casnb.base.errors import CasnbError, UsageError, neutral
from casnb.base.snapshot import Snapshotted
from casnb.base.view import block, cell, html_verdict, page
from casnb.measure.measurer import measure
from casnb.simulator.platform import Enclave
from casnb.teach.explorer.panel import ByteExplorer
from casnb.teach.fold import Fold
from casnb.teach.live import Live
from casnb.teach.measuring.model import HEAPS, SIGNED, Build
from casnb.teach.measuring.view import (
    STYLE,
    BuildView,
    render_bits,
    render_einit,
    render_signed,
    render_steps,
    render_strip,
    render_verdict,
)

#: What the chooser says, and the sentence below it.
_SIGNED = {
    "shipped": ("as shipped", "what the vendor signed"),
    "vendor": ("vendor's key", "signed again with the vendor's key, which only the vendor has"),
    "test": ("test key", "signed again with the test key, which everybody has"),
    "owner": ("owner's key", "signed again with the owner's key: another MRSIGNER"),
}
_BOXES = {
    "bit": "Turn over one bit of the code",
    "swapped": "Exchange two pages of code",
    "debug": "Start it as a debug enclave",
}


class MeasureModel(traitlets.HasTraits):
    """What was changed, and the build that follows; the traits are Build's. `build` is computed,
    `error` says what was refused.
    """

    bit = traitlets.Bool(False)
    swapped = traitlets.Bool(False)
    debug = traitlets.Bool(False)
    heap = traitlets.Enum(HEAPS, default_value=HEAPS[0])
    signer = traitlets.Enum(SIGNED, default_value=SIGNED[0])
    pages = traitlets.Int(None, allow_none=True)
    build: Any = traitlets.Any(None, allow_none=True)
    error = traitlets.Unicode("")

    NAMES = ("bit", "swapped", "debug", "heap", "signer", "pages")

    def __init__(self, enclave: Enclave, **state: Any) -> None:
        self.enclave = enclave
        super().__init__(**state)
        self.observe(self._changed, names=list(self.NAMES))
        self.make()

    def _changed(self, change: Any) -> None:
        self.make()

    def make(self) -> None:
        """Build again; a CasnbError becomes `error`."""
        try:
            self.build, self.error = (
                Build(self.enclave, **{name: getattr(self, name) for name in self.NAMES}),
                "",
            )
        except CasnbError as exc:
            self.error = neutral(exc, 400)

    def add(self, pages: int | None = 1) -> None:
        """Add some more pages, or (None) all that are left."""
        done = len(self.build.done) - 1
        most = len(self.build.steps) - 1
        self.pages = None if pages is None or done + pages >= most else done + pages

    def close(self) -> None:
        """Let go of every observer."""
        self.unobserve_all()


def render(model: MeasureModel) -> str:
    """Return the verdict line."""
    return (
        html_verdict("error", cell(model.error, 500))
        if model.error
        else render_verdict(model.build)
    )


class MeasurePanel(Snapshotted, widgets.VBox):  # type: ignore[misc]
    """Checkboxes and choices for what can be changed, buttons that add pages; below them the
    record, the hash and the signature.

    `model` keeps the state; the public methods are what the controls call. `explorer("ledger")`
    and `explorer("sigstruct")` open the bytes. Nothing is sent anywhere.

    Example: `panel = MeasurePanel()`, then `panel` at the end of a cell, or
    `panel.set(bit=True)`.
    """

    def __init__(self, enclave: Enclave | None = None, **state: Any) -> None:
        self._closed = True
        if enclave is None:
            from casnb.simulator.world import World

            enclave = World(scenario="production").enclave
        self.model = MeasureModel(enclave, **state)
        wide, said = (
            widgets.Layout(width="auto", max_width="60em"),
            {"description_width": "initial"},
        )
        narrow = widgets.Layout(width="auto", align_self="flex-start")
        self.boxes = {
            name: widgets.Checkbox(
                value=getattr(self.model, name), description=words, indent=False, layout=wide
            )
            for name, words in _BOXES.items()
        }
        self.heap = widgets.Dropdown(
            options=[(f"{h}{' (its own)' if h == HEAPS[0] else ''}", h) for h in HEAPS],
            value=self.model.heap,
            description="SCONE_HEAP",
            layout=narrow,
            style=said,
        )
        self.signer = widgets.Dropdown(
            options=[(_SIGNED[s][0], s) for s in SIGNED],
            value=self.model.signer,
            description="SIGSTRUCT",
            layout=widgets.Layout(width="auto", max_width="100%"),
            style=said,
        )
        self.whose = widgets.HTML()
        self.add_button, self.all_button, self.restart_button = (
            widgets.Button(description=words, layout=widgets.Layout(width="auto"))
            for words in ("Add the next page", "Add all pages", "Start again")
        )
        self.verdict, self.strip, self.bits, self.einit = (widgets.HTML() for _ in range(4))
        self.steps = Fold("The build record", render=lambda: block(render_steps(self.build)))
        self.signed = Fold("The SIGSTRUCT", render=lambda: block(render_signed(self.build)))
        named = {
            "heap": self.heap,
            "signer": self.signer,
            "add": self.add_button,
            "all": self.all_button,
            "restart": self.restart_button,
            "verdict": self.verdict,
            "strip": self.strip,
            "bits": self.bits,
            "einit": self.einit,
            "steps": self.steps,
            "signed": self.signed,
            **self.boxes,
        }
        for name, control in named.items():
            control.add_class(f"t-{name}")
        buttons = widgets.HBox(
            [self.add_button, self.all_button, self.restart_button],
            layout=widgets.Layout(flex_flow="row wrap"),
        )
        self.live = Live()
        left = widgets.VBox([*self.boxes.values(), self.heap, self.signer, self.whose])
        right = widgets.VBox([self.verdict, self.strip, buttons, self.bits, self.einit])
        columns = widgets.Box([left, right])
        columns.add_class("t-measure-columns")
        super().__init__([widgets.HTML(page(STYLE)), columns, self.steps, self.signed, self.live])
        self.add_class("t-measure")
        self._watched: list[tuple[Any, Callable[[Any], None]]] = []
        for name, control in {**self.boxes, "heap": self.heap, "signer": self.signer}.items():
            self._watch(control, partial(self._chosen, name))
        self._clicks = {
            self.add_button: lambda _: self.add(),
            self.all_button: lambda _: self.add(None),
            self.restart_button: lambda _: self.restart(),
        }
        for button, handler in self._clicks.items():
            button.on_click(handler)
        self.model.observe(self._show, names=["build", "error"])
        self._closed = False
        self.refresh()

    def _watch(self, control: Any, handler: Callable[[Any], None]) -> None:
        control.observe(handler, names="value")
        self._watched.append((control, handler))

    def _chosen(self, name: str, change: Any) -> None:
        self.set(**{name: change["new"]})

    # What the controls call

    def set(self, **changes: Any) -> Build:
        """Change some of `bit`, `swapped`, `debug`, `heap`, `signer` and `pages`, and return
        what follows.
        """

        def change() -> None:
            for name, value in changes.items():
                self.model.set_trait(name, value)

        self._guarded(change)
        return self.build

    def add(self, pages: int | None = 1) -> Build:
        """Add so many more pages, or (None) all that are left."""
        self._guarded(lambda: self.model.add(pages))
        return self.build

    def restart(self) -> Build:
        """Begin with ECREATE alone; what was changed stays."""
        return self.set(pages=0)

    @property
    def build(self) -> Build:
        """What is built now."""
        found: Build = self.model.build
        return found

    def explorer(self, part: str = "ledger") -> ByteExplorer:
        """Return a byte explorer on the `ledger` as it is now, or on the `sigstruct`, with the
        checks that a CPU would make and the comparison with the CAS's own MRENCLAVE; raise
        UsageError for another word.
        """
        if part not in ("ledger", "sigstruct"):
            raise UsageError("explorer", got=part, wanted="ledger or sigstruct")
        build = self.build
        found = measure(
            build.ledger.to_bytes(),
            sigstruct=build.sigstruct.to_bytes(),
            expected=(build.original.mrenclave,),
        )
        return ByteExplorer(build.ledger if part == "ledger" else build.sigstruct, found)

    def snapshot(self) -> BuildView:
        """Return the present state as something that stays readable in an export."""
        return BuildView(self.build)

    def _guarded(self, step: Callable[[], Any]) -> None:
        """Run a handler's step; what is refused is shown in the verdict line, since a callback's
        exception is not.
        """
        try:
            step()
        except (CasnbError, traitlets.TraitError) as exc:
            self.model.error = neutral(exc, 400)

    def _show(self, change: Any) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Bring every control and rendering in line with the model."""
        m = self.model
        for name, box in self.boxes.items():
            box.value = getattr(m, name)
        self.heap.value, self.signer.value = m.heap, m.signer
        self.whose.value = block(f'<p class="small">{cell(_SIGNED[m.signer][1])}</p>')
        self.verdict.value = block(render(m))
        self.strip.value = block(render_strip(m.build))
        self.bits.value = block(render_bits(m.build))
        self.einit.value = block(render_einit(m.build))
        self.steps.renew()
        self.signed.renew()
        self.live.text = m.error or m.build.sentence
        self.renew()

    def close(self) -> None:
        """Undo every observer and close the controls; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        for control, handler in self._watched:
            control.unobserve(handler, names="value")
        self._watched.clear()
        for button, click in self._clicks.items():
            button.on_click(click, remove=True)
        self.model.unobserve(self._show, names=["build", "error"])
        self.model.close()
        super().close()
