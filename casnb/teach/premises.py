"""Where a lab's simulated CAS, page, files and roots are, and programs run among them."""

from __future__ import annotations

import os
import shlex
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from casnb.simulator.world import World
from casnb.teach.facts import Facts
from casnb.teach.stand_ins import instead
from casnb.teach.station import Run, Station, run_command

if TYPE_CHECKING:
    from casnb.policy.identities import ExpectedSigner
    from casnb.verify.pki import TrustAnchors


class Whereabouts:
    """Where the things of any lab are, wherever its world runs: addresses, files, environment,
    time. Programs run among them.
    """

    station: Station

    @property
    def closed(self) -> bool:
        return self.station.closed

    @property
    def host(self) -> str:
        return self.station.host

    @property
    def port(self) -> int:
        return self.station.port

    @property
    def page_url(self) -> str:
        return self.station.names["CAS_PAGE_URL"]

    @property
    def page_ca(self) -> str:
        return self.station.names["CAS_PAGE_CA"]

    @property
    def pcs_url(self) -> str:
        """Where this world's Intel serves its lists."""
        return self.station.names["CASNB_PCS_URL"]

    @property
    def roots_file(self) -> str:
        return self.station.names["CASNB_ROOTS"]

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, **self.station.env}

    @property
    def folder(self) -> Path:
        """A folder of the lab's own for files that a lesson writes; removed when the lab closes."""
        return self.station.folder

    @property
    def now(self) -> datetime:
        """The time now, UTC: what a report that the simulator has just made is verified at."""
        return datetime.now(timezone.utc)

    def scone(self, *args: str, timeout: float = 30) -> Run:
        """Run our `scone` with this lab's environment, as a shell would, and return what it
        printed.
        """
        return run_command(
            [sys.executable, "-m", "casnb.cli.scone.main", *args],
            self.env,
            "scone " + shlex.join(args),
            timeout,
        )

    def run(self, *args: str, timeout: float = 30) -> Run:
        """Run a program of this machine in the lab's folder, without a shell, and return what it
        printed; curl, jq and openssl have stand-ins for where they are missing.

        Raises SourceError if there is no such program, or it does not end in time.
        """
        words = instead(args, self.env.get("PATH"))
        note = "" if words == list(args) else f"  # no {args[0]} here: a stand-in of casnb's"
        return run_command(words, self.env, shlex.join(args) + note, timeout, self.folder)


class Premises(Whereabouts):
    """What a lab whose world runs here knows besides: that world, and what follows from it."""

    facts: Facts

    @property
    def attached(self) -> bool:
        return self.station.attached

    @property
    def world(self) -> World:
        return self.station.world

    @property
    def seed(self) -> str:
        return self.world.seed

    @property
    def scenario(self) -> str:
        return self.world.scenario

    @property
    def address(self) -> str:
        return self.facts.address

    @property
    def roots(self) -> TrustAnchors:
        return self.world.roots

    @property
    def vendor(self) -> ExpectedSigner:
        """What the vendor publishes of its CAS: MRSIGNER, ISVPRODID, and the least ISVSVN that
        is still supported.
        """
        return self.world.vendor
