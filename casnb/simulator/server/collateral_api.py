"""The collateral service of a simulated world: the paths of Intel's PCS and of a PCCS, versions 3
and 4, over lists that this world's Intel signs when it is asked.
"""

from __future__ import annotations

import json
from base64 import encodebytes
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote

from cryptography.hazmat.primitives.asymmetric import ec

from casnb.base import strictjson
from casnb.simulator.keys import KeyPair, sign_raw
from casnb.simulator.sgx_extension import FMSPC
from casnb.simulator.world import World

PREFIX = "/sgx/certification/"
Answer = tuple[int, str, bytes, dict[str, str]]


class CollateralApi:
    """Answers without HTTP: a path and its query to status, content type, body and headers."""

    def __init__(self, world: World, clock: Callable[[], datetime]) -> None:
        self.world, self.clock = world, clock

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """Return the answer to a GET; 404 for another path or platform, 400 for a query that
        lacks something.
        """
        version, _, rest = path.removeprefix(PREFIX).partition("/")
        work = self._PATHS.get(rest) if version in ("v3", "v4") else None
        return work(self, version, query) if work else _refused(404, "no such path")

    def _tcb(self, version: str, query: Mapping[str, str]) -> Answer:
        fmspc = query.get("fmspc", "")
        if len(fmspc) != 12:
            return _refused(400, "fmspc: 12 hex digits")
        if fmspc.upper() != FMSPC.hex().upper():
            return _refused(404, "no such platform")
        text = self.world.intel.tcb_info(self._now())
        name = "TCB-Info-Issuer-Chain"
        if version == "v3":
            text, name = _flat(text), f"SGX-{name}"
        return self._signed("tcbInfo", text, name)

    def _identity(self, version: str, query: Mapping[str, str]) -> Answer:
        text = self.world.intel.qe_identity(self._now())
        return self._signed("enclaveIdentity", text, "SGX-Enclave-Identity-Issuer-Chain")

    def _signed(self, member: str, text: bytes, header: str) -> Answer:
        signer = self.world.intel.tcb_signer
        assert isinstance(signer.key, ec.EllipticCurvePrivateKey)
        signature = sign_raw(signer.key, text).hex()
        body = b'{"%s":%s,"signature":"%s"}' % (member.encode(), text, signature.encode())
        return 200, "application/json", body, {header: self._chain(signer)}

    def _pck_crl(self, version: str, query: Mapping[str, str]) -> Answer:
        intel = self.world.intel
        authority = {"platform": intel.pck_ca, "processor": intel.processor_ca}.get(
            query.get("ca", "")
        )
        if authority is None:
            return _refused(400, "ca: platform or processor")
        der = intel.pck_crl(self._now(), authority=authority)
        chain = {"SGX-PCK-CRL-Issuer-Chain": self._chain(authority)}
        if query.get("encoding") == "der":
            return 200, "application/pkix-crl", der, chain
        pem = b"-----BEGIN X509 CRL-----\n" + encodebytes(der) + b"-----END X509 CRL-----\n"
        return 200, "application/x-pem-file", pem, chain

    def _root_crl(self, version: str, query: Mapping[str, str]) -> Answer:
        der = self.world.intel.root_crl(self._now())
        return 200, "text/plain; charset=utf-8", der.hex().encode(), {}

    def _chain(self, signer: KeyPair) -> str:
        return quote((signer.cert_pem + self.world.intel.root.cert_pem).decode(), safe="")

    def _now(self) -> datetime:
        return self.clock().replace(microsecond=0)

    _PATHS: Mapping[str, Callable[[CollateralApi, str, Mapping[str, str]], Answer]] = {
        "tcb": _tcb,
        "qe/identity": _identity,
        "pckcrl": _pck_crl,
        "rootcacrl": _root_crl,
    }


def _flat(text: bytes) -> bytes:
    """Return TCB info as version 3 of the service has it: version 2 of the list, components by
    name, without `id` and advisories.
    """
    body = json.loads(text)
    body.pop("id")
    levels = []
    for level in body["tcbLevels"]:
        parts = level["tcb"]["sgxtcbcomponents"]
        tcb = {f"sgxtcbcomp{n:02}svn": p["svn"] for n, p in enumerate(parts, 1)}
        kept = {k: level[k] for k in ("tcbDate", "tcbStatus")}
        levels.append({"tcb": {**tcb, "pcesvn": level["tcb"]["pcesvn"]}, **kept})
    return strictjson.compact({**body, "version": 2, "tcbLevels": levels})


def _refused(status: int, why: str) -> Answer:
    return status, "text/plain; charset=utf-8", why.encode(), {}


_WORDS = {200: "200 OK", 400: "400 Bad Request", 404: "404 Not Found"}
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def with_collateral(site: Wsgi, api: CollateralApi) -> Wsgi:
    """Return a WSGI app that answers below /sgx/certification/ and leaves the rest to `site`."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if not path.startswith(PREFIX):
            return site(environ, start_response)
        if environ.get("REQUEST_METHOD") != "GET":
            start_response("405 Method Not Allowed", [("Allow", "GET"), ("Content-Length", "0")])
            return [b""]
        query = parse_qs(environ.get("QUERY_STRING", "")[:400], max_num_fields=8)
        status, kind, body, headers = api.answer(path, {k: v[0] for k, v in query.items()})
        start_response(
            _WORDS[status],
            [
                ("Content-Type", kind),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
                *headers.items(),
            ],
        )
        return [body]

    return app
