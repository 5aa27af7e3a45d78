"""Attacks that bring other code into a genuine enclave, or the right code in the wrong state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from casnb.cas.page import scrape
from casnb.simulator.attacks.defence import Defence
from casnb.simulator.attacks.stage import HONEST, Stage
from casnb.simulator.attacks.story import PERSONAS, Attack, Loot
from casnb.simulator.site import create_site
from casnb.view import short

HER_BUILD = {"version": "6.0.2 by Mallory", "signer": "test"}
HER_MACHINE = replace(HONEST, name="Mallory's machine")


def _edited(site: Any, old: str, new: str) -> Callable[..., Iterable[bytes]]:
    """Wrap the page's site (WSGI): one value is replaced by another of the same length on the way out."""
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        return [part.replace(old.encode(), new.encode()) for part in site(environ, start_response)]

    return app


def _read_page(stage: Stage, edit: tuple[str, str] | None = None) -> str:
    """Serve the page over TLS, edited or not, and let the relying party scrape it with all care; return the value they see."""
    host = "127.0.0.1"
    site, pair = create_site(stage.honest, (host,)), stage.honest.site_certificate([host])
    app = _edited(site, *edit) if edit else site
    address, _ = stage.listen(app, pair.cert_pem + stage.honest.site_ca_pem, pair.key)
    with TemporaryDirectory(prefix="casnb-") as folder:
        ca = Path(folder) / "ca.pem"
        ca.write_bytes(stage.honest.site_ca_pem)
        value = scrape(f"https://{address}/latest/public-CAS/", cacert=str(ca)).mrenclave(host)
    stage.say("you", f"read MRENCLAVE {short(value)} from the page, over TLS, in the row of exactly your address")
    return value


def _altered_page(stage: Stage) -> Loot:
    world = stage.world(HER_MACHINE, **HER_BUILD)
    stage.say("mallory", f"builds a CAS of her own, signs it with a key that everybody has, and measures {short(world.mrenclave)}")
    stage.say("mallory", "writes that value over the right one on the page; everything else there stays")
    policy = stage.policy(_read_page(stage, (stage.honest.mrenclave, world.mrenclave)))
    address, _ = stage.fake(world)
    cas = stage.attest(address, policy, ("mrsigner", "mrenclave"))
    return stage.served(cas, address, **{"MRENCLAVE accepted": world.mrenclave})


ATTACKS = (
    Attack(
        "altered-page", PERSONAS["page"], "put her own build's MRENCLAVE on the page", ("mrsigner", "second-source", "mrenclave"),
        Defence.of("--only_for_testing-ignore-signer"), Defence.of(),
        "Your scraper is perfect, the page comes over TLS, and the enclave measures exactly what the page says. Whose code is it?",
        "Signer and measurement are two locks. You took one off, and found the key to the other on a web page that Mallory edits.",
        "Let the signer be checked. Where that cannot be: two sources for the MRENCLAVE that do not depend on each other.",
        "SCONE documentation, public CAS page: it showed another MRENCLAVE of 5-4-0 for four days", "2021-10-14", _altered_page),
)
