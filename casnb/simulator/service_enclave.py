"""A simulated service enclave: built from a program, measured, quoted, and given its
configuration by a CAS that wants it.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from casnb.base import strictjson
from casnb.base.errors import CasnbError, EvidenceError, UsageError, neutral
from casnb.cas.client import pinned_context
from casnb.cas.client_identity import ClientIdentity
from casnb.evidence.avr import decode_base64
from casnb.evidence.ledger import PAGE, Ecreate, Ledger, Record, page_records
from casnb.simulator.enclave_protocol import (
    CHALLENGE,
    CONFIGURATION,
    ENCLAVE_PORT,
    EXITED,
    ConfigId,
    service_binding,
)
from casnb.simulator.keys import Seed
from casnb.simulator.platform import Enclave, Platform
from casnb.simulator.world import World
from casnb.tls.cas_chain import TLS_NAME, CasChain
from casnb.tls.exchange import Answer, client_context, error_messages, exchange
from casnb.verify.tcb import TcbStatus

#: A program of more bytes is not measured.
PROGRAM_LIMIT = 1 << 20
SERVICE_ISVPRODID = 1

_TCS, _CODE = 0x100, 0x205


@dataclass(frozen=True)
class ServiceBuild(Enclave):
    """A service's program in an enclave: a thread page, then the program, page by page. Its
    MRENCLAVE follows from the bytes.
    """

    program: bytes = b""

    @cached_property
    def ledger(self) -> Ledger:
        """How the enclave is built; its size is the next power of two."""
        pages = max(1, -(-len(self.program) // PAGE))
        size = 1 << (pages * PAGE + 2 * PAGE - 1).bit_length()
        content = (0x1000).to_bytes(8, "little").rjust(24, b"\0").ljust(
            PAGE, b"\0"
        ) + self.program.ljust(pages * PAGE, b"\0")
        records: list[Record] = [Ecreate(1, size)]
        for offset in range(0, len(content), PAGE):
            records += page_records(
                offset, _CODE if offset else _TCS, content[offset : offset + PAGE]
            )
        return Ledger(tuple(records))


class ServiceRefusal(CasnbError):
    """A CAS gave no configuration. What it says is not authenticated unless the connection is
    pinned: anybody may have said it.
    """

    def __init__(self, config_id: ConfigId, host: str, port: int, answer: Answer) -> None:
        self.status = answer.status
        self.messages = tuple(neutral(m, 400) for m in error_messages(answer.body, 40))
        super().__init__(
            "CAS sent an attestation/configuration error",
            got=f"HTTP status {answer.status}"
            + (f" ({'; '.join(self.messages[:3])})" if self.messages else ""),
            wanted="a configuration",
            do=f"Note: Connecting to CAS at {host} (port {port}) using service ID {config_id}",
        )


@dataclass(frozen=True)
class InjectedFile:
    """A file that a service finds in memory: `content` is None where it is read from the image."""

    path: str
    permission: str
    content: bytes | None = field(repr=False)

    @classmethod
    def from_json(cls, found: object, what: str) -> InjectedFile:
        """Read one of a CAS's answer; raise EvidenceError for anything else."""
        content = strictjson.member(found, "content", (str, type(None)), what)
        return cls(
            strictjson.member(found, "path", str, what),
            strictjson.member(found, "permission", str, what),
            None if content is None else decode_base64(content, what),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form: `content` where it is text, `content_base64` where it is not."""
        out: dict[str, Any] = {"path": self.path, "permission": self.permission}
        if self.content is None:
            return {**out, "content": None}
        try:
            return {**out, "content": self.content.decode()}
        except UnicodeDecodeError:
            return {**out, "content_base64": base64.b64encode(self.content).decode()}


@dataclass(frozen=True)
class Configuration:
    """What a CAS gave to a service. The values are secrets: `repr` does not show them."""

    command: str | tuple[str, ...] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    pwd: str = ""
    files: tuple[InjectedFile, ...] = field(default=(), repr=False)

    @classmethod
    def from_json(cls, data: bytes) -> Configuration:
        """Read a CAS's answer; raise EvidenceError for anything else."""
        what = "configuration of a service"
        found = strictjson.loads(data, what)
        command = strictjson.member(found, "command", (str, list), what)
        environment = strictjson.member(found, "environment", dict, what)
        words = command if isinstance(command, list) else [command]
        if not all(isinstance(text, str) for text in (*words, *environment.values())):
            raise EvidenceError(what, got="a value that is not text", wanted="texts")
        return cls(
            tuple(command) if isinstance(command, list) else command,
            environment,
            strictjson.member(found, "pwd", str, what),
            tuple(
                InjectedFile.from_json(f, what)
                for f in strictjson.member({"files": [], **found}, "files", list, what)
            ),
        )


class ServiceEnclave:
    """One run of a program in a simulated enclave, on a machine of `world`'s Intel.

    `signer` is `owner`, `test` or `vendor`, a packaged key. Each run has a TLS key of its own
    that never leaves it. `status` is what Intel says of the machine.

    >>> a, b = (ServiceEnclave(World("lesson"), program) for program in (b"print(1)", b"print(2)"))
    >>> a.mrenclave == b.mrenclave, a.mrsigner == b.mrsigner
    (False, True)
    """

    def __init__(
        self,
        world: World,
        program: bytes,
        *,
        signer: str = "owner",
        debug: bool = False,
        isv_svn: int = 1,
        isv_prod_id: int = SERVICE_ISVPRODID,
        status: TcbStatus = TcbStatus.UP_TO_DATE,
    ) -> None:
        if signer not in ("owner", "test", "vendor"):
            raise UsageError("service enclave: signer", got=signer, wanted="owner, test or vendor")
        if len(program) > PROGRAM_LIMIT:
            raise UsageError(
                "service enclave: program",
                got=f"{len(program)} bytes",
                wanted=f"at most {PROGRAM_LIMIT}",
            )
        seed = Seed(world.seed)
        self.world = world
        self.build = ServiceBuild(
            seed, "service", "2026-09-01", signer, debug, isv_prod_id, isv_svn, program
        )
        self.platform = Platform(seed, world.intel, f"service host {status.name}", status)
        self._identity = ClientIdentity.create()

    @property
    def mrenclave(self) -> str:
        """The measurement of the program, 64 hex digits: what a session names."""
        return self.build.mrenclave

    @property
    def mrsigner(self) -> str:
        """Who signed it."""
        return self.build.mrsigner

    @property
    def key(self) -> bytes:
        """The public key of this run (SPKI, DER)."""
        return self._identity.certificate.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

    def quote(self, report_data: bytes) -> bytes:
        """Return a quote of this enclave with the given report data (64 bytes)."""
        return self.platform.quote(self.platform.report_body(self.build, report_data)).to_bytes()

    def configure(
        self,
        config_id: str,
        host: str,
        port: int = ENCLAVE_PORT,
        *,
        chain: CasChain | None = None,
        timeout: float = 10,
    ) -> Configuration:
        """Ask the CAS at an address for the configuration of `SESSION/SERVICE`, and return it.

        With `chain` nobody else than that CAS is spoken to. Without it, as a real service does,
        whoever answers is believed: the host chooses the address, so what comes is untrusted,
        and so are the words of a refusal. Raises ServiceRefusal where the CAS says no,
        SourceError where none answers.
        """
        asked = ConfigId.parse(config_id)
        context = pinned_context(chain, self._identity) if chain else _anybody(self._identity)

        def ask(target: str, method: str, body: bytes | None = None) -> bytes:
            answer = exchange(
                host,
                port,
                target,
                context=context,
                tls_name=TLS_NAME,
                method=method,
                body=body,
                timeout=timeout,
                content_type="application/json",
            )
            if answer.status != 200:
                raise ServiceRefusal(asked, host, port, answer)
            return answer.body

        nonce = strictjson.member(
            strictjson.loads(ask(CHALLENGE, "GET"), "challenge"), "nonce", str, "challenge"
        )
        quote = self.quote(service_binding(nonce, self.key))
        body = {"config_id": str(asked), "nonce": nonce, "quote": base64.b64encode(quote).decode()}
        return Configuration.from_json(ask(CONFIGURATION, "POST", json.dumps(body).encode()))

    def exit(self, host: str, port: int = ENCLAVE_PORT, *, timeout: float = 10) -> None:
        """Tell the CAS that this run ended."""
        exchange(
            host,
            port,
            EXITED,
            context=_anybody(self._identity),
            tls_name=TLS_NAME,
            method="POST",
            body=b"",
            timeout=timeout,
        )


def _anybody(identity: ClientIdentity) -> ssl.SSLContext:
    """A context that speaks to whoever answers, as this enclave."""
    context = client_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    identity.show_in(context)
    return context
