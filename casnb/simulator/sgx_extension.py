"""The SGX extension of a PCK certificate, as DER."""

from __future__ import annotations

from casnb.simulator.keys import (
    der,
)

FMSPC = bytes.fromhex("00606a000000")


PCEID = b"\0\0"


def sgx_extension(
    *,
    ppid: bytes,
    components: tuple[int, ...],
    pce_svn: int,
    instance_id: bytes,
    smt: bool,
    fmspc: bytes = FMSPC,
    pce_id: bytes = PCEID,
    cpu_svn: bytes | None = None,
    dynamic: bool = True,
    cached: bool = False,
) -> bytes:
    """Return the DER of the SGX extension of a PCK certificate, as the Platform CA writes it
    (all seven items).

    `cpu_svn` left out is the components.
    """
    tcb = [_item((2, n + 1), der(0x02, _integer(svn))) for n, svn in enumerate(components)]
    tcb.append(_item((2, 17), der(0x02, _integer(pce_svn))))
    tcb.append(_item((2, 18), der(0x04, bytes(components) if cpu_svn is None else cpu_svn)))
    settings = (
        _item((7, 1), _boolean(dynamic)),
        _item((7, 2), _boolean(cached)),
        _item((7, 3), _boolean(smt)),
    )
    return der(
        0x30,
        b"".join(
            (
                _item((1,), der(0x04, ppid)),
                _item((2,), der(0x30, b"".join(tcb))),
                _item((3,), der(0x04, pce_id)),
                _item((4,), der(0x04, fmspc)),
                _item((5,), der(0x0A, b"\1")),
                _item((6,), der(0x04, instance_id)),
                _item((7,), der(0x30, b"".join(settings))),
            )
        ),
    )


_SGX_OID = bytes.fromhex("2a864886f84d010d01")


def _item(branch: tuple[int, ...], value: bytes) -> bytes:
    return der(0x30, der(0x06, _SGX_OID + bytes(branch)) + value)


def _integer(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _boolean(value: bool) -> bytes:
    return der(0x01, b"\xff" if value else b"\0")
