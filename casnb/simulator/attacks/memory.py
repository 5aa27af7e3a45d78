"""Memory of a simulated enclave as its machine holds it: pages, what reads them, and keys found in what was read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from casnb.errors import PolicyError
from casnb.evidence.measurement import PAGE, Eadd, Eextend
from casnb.simulator.keys import Seed
from casnb.simulator.platform import Enclave

#: Where the heap begins, behind the pages that are measured, and its size in pages.
HEAP, HEAP_PAGES = 0x4000, 6
#: How a P-256 private key begins in DER (RFC 5915): a sequence, version 1, 32 bytes of number.
_SEC1 = bytes.fromhex("30770201010420")
_SEC1_SIZE = 121


class EnclaveMemory:
    """The pages of a running enclave: those it was built from, and a heap that holds `secrets` at places nobody announces.

    Simplified: real pages are encrypted on their way to memory, which changes nothing for the two ways to read that are here.
    """

    def __init__(self, enclave: Enclave, secrets: Mapping[str, bytes]) -> None:
        self.debug = enclave.debug
        self._pages = dict(_built(enclave))
        seed = Seed(f"{enclave.seed.text} heap")
        heap = bytearray(seed.stream("noise", HEAP_PAGES * PAGE))
        room = len(heap) // max(len(secrets), 1)
        for n, (name, content) in enumerate(secrets.items()):
            at = n * room + int.from_bytes(seed.octets(f"place of {name}", 4), "big") % (room - len(content))
            heap[at : at + len(content)] = content
        self._pages.update({HEAP + n * PAGE: bytes(heap[n * PAGE : (n + 1) * PAGE]) for n in range(HEAP_PAGES)})

    @property
    def pages(self) -> tuple[int, ...]:
        """Offsets of the pages."""
        return tuple(self._pages)

    def read(self, offset: int, size: int) -> bytes:
        """Read as any program on the machine would: outside the enclave every byte comes back as FF.

        Source: Intel SDM vol. 3D, abort page semantics.
        """
        return b"\xff" * size

    def edbgrd(self, offset: int) -> bytes:
        """Read 8 bytes as a debugger does; the instruction faults unless ATTRIBUTES.DEBUG is set.

        Source: Intel SDM vol. 3D, EDBGRD.
        """
        if not self.debug:
            raise PolicyError("EDBGRD", got="an enclave whose DEBUG attribute is 0", wanted="a debug enclave")
        page = offset - offset % PAGE
        return self._pages[page][offset - page : offset - page + 8]

    def dump(self) -> bytes:
        """Read page after page with EDBGRD."""
        return b"".join(self.edbgrd(page + n) for page in self._pages for n in range(0, PAGE, 8))


def _built(enclave: Enclave) -> Iterator[tuple[int, bytes]]:
    """Yield the measured pages, from the same records as MRENCLAVE."""
    content: dict[int, bytearray] = {}
    for record in enclave.ledger.records:
        if isinstance(record, Eadd):
            content[record.offset] = bytearray()
        elif isinstance(record, Eextend):
            content[record.offset - record.offset % PAGE] += record.data
    yield from ((offset, bytes(page)) for offset, page in content.items())


def sec1(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as programs keep it in memory: DER after RFC 5915."""
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL,
                             serialization.NoEncryption())


def keys_in(dump: bytes) -> list[ec.EllipticCurvePrivateKey]:
    """Return every P-256 key that stands in a dump in DER; what looks like one and is none is passed over."""
    found, at = [], dump.find(_SEC1)
    while at >= 0:
        try:
            key = serialization.load_der_private_key(dump[at : at + _SEC1_SIZE], None)
            found += [key] if isinstance(key, ec.EllipticCurvePrivateKey) else []
        except ValueError:
            pass
        at = dump.find(_SEC1, at + 1)
    return found


def key_for(public: object, keys: Iterable[ec.EllipticCurvePrivateKey]) -> ec.EllipticCurvePrivateKey | None:
    """Return the private key that belongs to a public one, or None."""
    return next((k for k in keys if k.public_key() == public), None)
