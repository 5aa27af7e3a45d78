"""Memory of a simulated enclave as its machine holds it: pages, what reads them, and keys found
in what was read.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from casnb.base.errors import PolicyError
from casnb.evidence.ledger import PAGE, Eadd, Eextend
from casnb.simulator.keys import Seed
from casnb.simulator.platform import Enclave

#: Where the heap begins, behind the pages that are measured, and its size in pages.
HEAP, HEAP_PAGES = 0x4000, 6
#: How a P-256 private key begins in DER (RFC 5915): a sequence, version 1, 32 bytes of number.
_SEC1 = bytes.fromhex("30770201010420")
_SEC1_SIZE = 121
_LINE = 64


class EnclaveMemory:
    """The pages of a running enclave: those it was built from, and a heap that holds `secrets`
    at places nobody announces.

    Each way to read works where its condition holds, and nowhere else: `edbgrd` with the debug
    attribute, `sample` on a CPU that is `leaky`, `inject` where the code is not `hardened`.
    Simplified: real pages are encrypted on their way to memory, which keeps out none of the
    three.
    """

    def __init__(
        self,
        enclave: Enclave,
        secrets: Mapping[str, bytes],
        *,
        leaky: bool = False,
        hardened: bool = True,
    ) -> None:
        self.debug, self.leaky, self.hardened = enclave.debug, leaky, hardened
        self._pages = dict(_built(enclave))
        seed = Seed(f"{enclave.seed.text} heap")
        heap = bytearray(seed.stream("noise", HEAP_PAGES * PAGE))
        room = len(heap) // max(len(secrets), 1)
        for n, (name, content) in enumerate(secrets.items()):
            at = n * room + int.from_bytes(seed.octets(f"place of {name}", 4), "big") % (
                room - len(content)
            )
            heap[at : at + len(content)] = content
        self._pages.update(
            {HEAP + n * PAGE: bytes(heap[n * PAGE : (n + 1) * PAGE]) for n in range(HEAP_PAGES)}
        )
        self._noise = random.Random(seed.octets("errors of sampling", 16))  # noqa: S311

    @property
    def pages(self) -> tuple[int, ...]:
        """Offsets of the pages."""
        return tuple(self._pages)

    def _at(self, offset: int, size: int) -> bytes:
        page = offset - offset % PAGE
        return self._pages[page][offset - page : offset - page + size]

    def read(self, offset: int, size: int) -> bytes:
        """Read as any program on the machine would: outside the enclave every byte comes back as
        FF.

        Source: Intel SDM vol. 3D, abort page semantics.
        """
        return b"\xff" * size

    def edbgrd(self, offset: int) -> bytes:
        """Read 8 bytes as a debugger does; the instruction faults unless ATTRIBUTES.DEBUG is set.

        Source: Intel SDM vol. 3D, EDBGRD.
        """
        if not self.debug:
            raise PolicyError(
                "EDBGRD", got="an enclave whose DEBUG attribute is 0", wanted="a debug enclave"
            )
        return self._at(offset, 8)

    def sample(self, offset: int) -> bytes:
        """Catch a line of 64 bytes as it leaves the first-level cache, one bit in sixteen wrong;
        a patched CPU gives zeros.

        A model of what L1D eviction sampling yields (CVE-2020-0549, INTEL-SA-00329), not of how.
        """
        if not self.leaky:
            return bytes(_LINE)
        bits = [self._noise.getrandbits(8 * _LINE) for _ in range(4)]
        wrong = bits[0] & bits[1] & bits[2] & bits[3]
        return (int.from_bytes(self._at(offset, _LINE), "big") ^ wrong).to_bytes(_LINE, "big")

    def inject(self, pointer: int) -> int | None:
        """Plant a pointer where the enclave loads one; return which of 256 cache lines it then
        touched, None for none.

        Code that was not hardened goes on with the planted pointer for a moment, and uses the
        byte there as an index. Hardened code waits until the load is done. A model of load value
        injection (CVE-2020-0551, INTEL-SA-00334).
        """
        return None if self.hardened else self._at(pointer, 1)[0]

    def dump(self) -> bytes:
        """Read page after page with EDBGRD."""
        return b"".join(self.edbgrd(page + n) for page in self._pages for n in range(0, PAGE, 8))

    def sampled(self) -> bytes:
        """Sample every line of the heap 27 times, and let the majority decide each bit."""
        lines = range(HEAP, HEAP + HEAP_PAGES * PAGE, _LINE)
        return b"".join(
            _majority([int.from_bytes(self.sample(n), "big") for _ in range(27)]).to_bytes(
                _LINE, "big"
            )
            for n in lines
        )

    def injected(self) -> bytes:
        """Have the enclave betray its heap byte by byte; what it did not touch reads as 0."""
        return bytes(self.inject(n) or 0 for n in range(HEAP, HEAP + HEAP_PAGES * PAGE))


def _majority(values: list[int]) -> int:
    """Return the bitwise majority of majorities of three; 3, 9, 27 values and so on."""
    while len(values) > 1:
        values = [
            a & b | a & c | b & c
            for a, b, c in zip(values[::3], values[1::3], values[2::3], strict=True)
        ]
    return values[0]


def _built(enclave: Enclave) -> Iterator[tuple[int, bytes]]:
    """Yield the measured pages, from the same records as MRENCLAVE."""
    content: dict[int, bytearray] = {}
    for record in enclave.ledger.records:
        if isinstance(record, Eadd):
            content[record.offset] = bytearray()
        elif isinstance(record, Eextend):
            content[record.offset - record.offset % PAGE] += record.data
    yield from ((offset, bytes(page)) for offset, page in content.items() if page)


def sec1(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as programs keep it in memory: DER after RFC 5915."""
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def keys_in(dump: bytes) -> list[ec.EllipticCurvePrivateKey]:
    """Return every P-256 key that stands in a dump in DER; what looks like one and is none is
    passed over.
    """
    found, at = [], dump.find(_SEC1)
    while at >= 0:
        try:
            key = serialization.load_der_private_key(dump[at : at + _SEC1_SIZE], None)
            found += [key] if isinstance(key, ec.EllipticCurvePrivateKey) else []
        except ValueError:
            pass
        at = dump.find(_SEC1, at + 1)
    return found


def key_for(
    public: object, keys: Iterable[ec.EllipticCurvePrivateKey]
) -> ec.EllipticCurvePrivateKey | None:
    """Return the private key that belongs to a public one, or None."""
    return next((k for k in keys if k.public_key() == public), None)
