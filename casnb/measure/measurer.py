"""Which enclave is this, and was it signed: a program or container image measured, and compared
with what its signer said.

The other road to a reference value: not what a page says, but what the bytes that would run are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from casnb.base.errors import EvidenceError, UsageError, neutral
from casnb.checks.result import failed, passed
from casnb.evidence.decode import read
from casnb.evidence.ledger import Ledger
from casnb.evidence.sigstruct import SigStruct
from casnb.evidence.sigstruct_layout import HEADER as SIGSTRUCT_HEADER
from casnb.evidence.sigstruct_layout import SIGSTRUCT
from casnb.measure.archive import ARCHIVE_LIMIT, ImageFile
from casnb.measure.image import Image, is_tar, read_image
from casnb.measure.measurement import Measurement, debug_allowed
from casnb.measure.program import MAGIC, EnclaveFile, read_heap
from casnb.measure.statements import Statements, find_statements
from casnb.policy.identities import known_signer
from casnb.verify.proof import Steps

#: A file of more bytes is not measured.
MEASURE_LIMIT = ARCHIVE_LIMIT
#: What the SIGSTRUCT of PROGRAM may be called beside it.
SUFFIXES = (".sig", ".sigstruct")
_SGXS = b"ECREATE\0"
HEAP_VARIABLE = "SCONE_HEAP"


def measure(
    data: bytes,
    *,
    sigstruct: bytes | None = None,
    expected: Sequence[str] = (),
    heap: int | str | None = None,
    program: str = "",
) -> Measurement:
    """Measure what would run, and compare it with what its signer said and with `expected` (64
    hex digits each; one is enough).

    `data` is a container image (OCI archive), an enclave file of casnb's own format, an SGXS
    stream, or a SIGSTRUCT alone. `sigstruct` is the statement about a program that came without
    one. `heap` (bytes, or text as `64K`) takes the place of the file's own and of the image's
    SCONE_HEAP. `program` says which file of an image; left out, the one that it starts.

    What is wrong with the bytes becomes a failed check; bytes that are none of these raise
    EvidenceError, and arguments that cannot mean anything UsageError. Not checked: whether the
    code is any good.
    """
    job = _Job(data, sigstruct, tuple(expected), heap, program)
    return job.measurement()


def measured_or_found(data: bytes, **terms: Any) -> Measurement | Statements:
    """Measure what would run or, of a file or image with nothing in it that can be measured here,
    return what signers said inside it.

    Arguments and errors are those of `measure`. What is found stands in for a measurement only
    where no program, heap or SIGSTRUCT was asked for, and only of an image whose digests fit.
    """
    asked = any(terms.get(name) for name in ("sigstruct", "heap", "program"))
    expected = terms.get("expected", ())
    try:
        measured = measure(data, **terms)
    except EvidenceError:
        found = None if asked else find_statements(data, expected=expected)
        if found is None or not found.found:
            raise
        return found
    image = measured.image
    if asked or image is None or any(_is_program(f.data or b"") for f in image.wanted()):
        return measured
    found = find_statements(data, expected=expected)
    return found if found.found else measured


_PACKED = (
    (b"\x1f\x8b", "gzip", "gunzip"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
    (b"\xfd7zXZ\0", "xz", "unxz"),
)


def _require_no_other(data: bytes) -> None:
    """Raise EvidenceError, with the way forward, for things that readers often have in hand."""
    for magic, name, tool in _PACKED:
        if data.startswith(magic):
            raise EvidenceError(
                "measure",
                got=f"a {name} file",
                wanted="what is in it",
                do=f"{tool} FILE, then measure that.",
            )
    if data.startswith(b"\x7fELF"):
        raise EvidenceError(
            "measure",
            got="an ELF program with no SIGSTRUCT in it",
            wanted="an enclave file of casnb's own format, or a program that is signed",
            do="A real SCONE program is measured by SCONE's own tools: SCONE_HASH=1 PROGRAM.",
        )


def _is_program(head: bytes) -> bool:
    return head.startswith((MAGIC, _SGXS))


def _is_wanted(head: bytes, size: int) -> bool:
    return _is_program(head) or (size == SIGSTRUCT.size and head.startswith(SIGSTRUCT_HEADER))


class _Job:
    """One measurement under way: what was found so far, and the steps."""

    def __init__(
        self,
        data: bytes,
        sigstruct: bytes | None,
        expected: tuple[str, ...],
        heap: int | str | None,
        program: str,
    ) -> None:
        for value in expected:
            if len(value) != 64 or set(value) - set("0123456789abcdef"):
                raise UsageError("expected MRENCLAVE", got=value, wanted="64 lower-case hex digits")
        self.data, self.given, self.expected, self.path = data, sigstruct, expected, program
        self.heap = read_heap(heap) if isinstance(heap, str) else heap
        self.steps, self.remarks = Steps(), list[str]()
        self.image: Image | None = None
        self.program: ImageFile | None = None
        self.statement: ImageFile | None = None
        self.used_heap: int | None = None

    def measurement(self) -> Measurement:
        kind, program, statement = self._parts()
        ledger = self._ledger(program)
        signed = self._sigstruct(
            statement, needed=kind in ("image", "sigstruct") or self.given is not None
        )
        self._compare(ledger, signed)
        self._remark(signed)
        return Measurement(
            kind,
            hashlib.sha256(self.data).hexdigest(),
            self.steps.checks(),
            ledger,
            signed,
            self.image,
            self.program.path if self.program else "",
            self.statement.path if self.statement else "",
            self.used_heap if ledger else None,
            tuple(self.remarks),
        )

    def _parts(self) -> tuple[str, bytes | None, bytes | None]:
        """Return the kind of input, and the bytes of program and statement as far as there are
        any.
        """
        if is_tar(self.data):
            self.steps.run("image-format", self._open)
            return (
                "image",
                self.program.data if self.program else None,
                self.given or (self.statement.data if self.statement else None),
            )
        if self.path:
            raise UsageError("program", got="a path in an image", wanted="an image")
        if self.data.startswith(MAGIC):
            return "enclave file", self.data, self.given
        if not (self.data.startswith(_SGXS) or _is_wanted(self.data[:64], len(self.data))):
            _require_no_other(self.data)
            try:
                value: object = read(self.data).value
            except EvidenceError as exc:
                raise EvidenceError(
                    "measure",
                    got=f"something else ({exc.subject}: got {exc.got})",
                    wanted="an image, an enclave file, an SGXS stream or a SIGSTRUCT",
                ) from None
            if not isinstance(value, (Ledger, SigStruct)):
                raise EvidenceError(
                    "measure",
                    got=f"a {type(value).__name__}, which cannot be measured",
                    wanted="an image, an enclave file, an SGXS stream or a SIGSTRUCT",
                    do="`casnb decode` shows what it says.",
                )
            self.data = value.to_bytes()
        if self.heap is not None:
            raise UsageError(
                "heap",
                got="one for something that has it built in",
                wanted="an image or an enclave file",
            )
        if self.data.startswith(_SGXS):
            return "sgxs", self.data, self.given
        if self.given is not None:
            raise UsageError(
                "measure",
                got="two SIGSTRUCTs",
                wanted="the program that they speak for, and one of them",
            )
        return "sigstruct", None, self.data

    # The image

    def _open(self) -> tuple[Image, str, str]:
        image = read_image(self.data, _is_wanted)
        self.image = image
        programs = [f for f in image.wanted() if _is_program(f.data or b"")]
        self.program = self._choose(image, programs)
        if self.given is None:
            self.statement = self._beside(image, self.program.path)
        return (
            image,
            f"{image.blobs} files, {len(image.layers)} layers, each as its digest says",
            "",
        )

    def _beside(self, image: Image, path: str) -> ImageFile:
        """Return the SIGSTRUCT that stands beside a program."""
        beside = [
            f
            for s in SUFFIXES
            for name in {path, str(PurePosixPath(path).with_suffix(""))}
            if (f := image.files.get(name + s)) is not None and f.data is not None
        ]
        if len(beside) != 1:
            raise EvidenceError(
                "image: SIGSTRUCT of the program",
                got=f"{len(beside)} beside {path}",
                wanted="one, of the same name with " + " or ".join(SUFFIXES),
            )
        return beside[0]

    def _choose(self, image: Image, programs: Sequence[ImageFile]) -> ImageFile:
        names = ", ".join(f.path for f in programs[:8]) or "none"
        wanted = self.path.lstrip("/") or (image.command[0].lstrip("/") if image.command else "")
        found = [f for f in programs if f.path == wanted]
        if not found and self.path:
            raise EvidenceError(
                f"image: {self.path}",
                got="no enclave there",
                wanted=f"one of those there are: {names}",
            )
        if not found and len(programs) == 1:
            found = list(programs)
        if not found:
            raise EvidenceError(
                "image: program",
                got=f"{len(programs)} enclaves ({names}), and it starts {wanted or 'nothing'}",
                wanted="the one that it starts, or one alone",
                do=(
                    "A real SCONE program is measured by SCONE's own tools; casnb reads a format of"
                    " its own."
                ),
            )
        return found[0]

    # The enclave

    def _ledger(self, program: bytes | None) -> Ledger | None:
        if program is None and self.image is None and not is_tar(self.data):
            self.steps.skip(
                "ledger-format", "there is no program here, only what was signed about it"
            )
            return None
        found: Ledger | None = self.steps.run(
            "ledger-format", lambda: self._build(program or b""), "image-format"
        )
        return found

    def _build(self, program: bytes) -> tuple[Ledger, str, str]:
        if program.startswith(_SGXS):
            if self.heap is not None:
                raise EvidenceError(
                    "heap",
                    got="one for an SGXS stream",
                    wanted="an enclave file: a stream has it built in",
                )
            ledger = Ledger.from_bytes(program)
        else:
            file = EnclaveFile.from_bytes(program)
            heap = self.heap
            if heap is None and self.image and (text := self.image.environment.get(HEAP_VARIABLE)):
                try:
                    heap = read_heap(text)
                except UsageError as exc:
                    raise EvidenceError(
                        f"image: {HEAP_VARIABLE}", got=exc.got, wanted=exc.wanted
                    ) from None
                said = f"{HEAP_VARIABLE}={neutral(text, 20)}"
                self.remarks.append(
                    f"The image sets {said}; the program's own heap is {file.heap} bytes."
                )
            file = file if heap is None else file.with_heap(heap)
            file.require_sound()
            self.used_heap, ledger = file.heap, file.ledger
            Ledger.from_bytes(ledger.to_bytes())
        counts = ledger.to_json_dict()
        return ledger, f"1 ECREATE, {counts['eadd']} EADD, {counts['eextend']} EEXTEND", ""

    def _sigstruct(self, data: bytes | None, *, needed: bool) -> SigStruct | None:
        ids = ("sigstruct-format", "sigstruct-signature", "sigstruct-q1", "sigstruct-q2")
        if data is None and not needed:
            for id in ids:
                self.steps.skip(id, "no SIGSTRUCT came with it: --sigstruct FILE gives one")
            return None
        signed: SigStruct | None = self.steps.run(
            ids[0], lambda: (SigStruct.from_bytes(data or b""), "1808 bytes", ""), "image-format"
        )
        r = signed.relation() if signed else None
        sides = (
            [("S^3 mod N", r.cube, r.padded), ("q1", r.q1_stored, r.q1), ("q2", r.q2_stored, r.q2)]
            if r
            else [("", 0, 1)] * 3
        )
        for id, (words, got, want) in zip(ids[1:], sides, strict=True):
            if not self.steps.reached(id, ids[0]):
                continue
            if r is None:
                self.steps.add(
                    failed(
                        id,
                        "a modulus or signature that no RSA-3072 key has",
                        "0 < S < N, N odd, of 3072 bits",
                    )
                )
            elif got == want:
                self.steps.add(passed(id, f"{words} = {_ends(want)}"))
            else:
                self.steps.add(failed(id, f"{words} = {_ends(got)}", _ends(want)))
        return signed

    def _compare(self, ledger: Ledger | None, signed: SigStruct | None) -> None:
        both = self.steps.reached(
            "enclave-hash", "image-format", "ledger-format", "sigstruct-format"
        )
        if both and ledger and signed:
            self.steps.add(
                passed("enclave-hash", ledger.mrenclave)
                if ledger.mrenclave == signed.enclave_hash
                else failed(
                    "enclave-hash",
                    ledger.mrenclave,
                    signed.enclave_hash,
                    "a CPU would not start it under this SIGSTRUCT",
                )
            )
        elif both:
            self.steps.skip("enclave-hash", "a program and its SIGSTRUCT are both needed for this")
        if not self.steps.reached("mrenclave", "image-format", "ledger-format", "sigstruct-format"):
            return
        if not self.expected:
            self.steps.skip(
                "mrenclave", "nothing to compare with: --expect HEX gives a value from elsewhere"
            )
            return
        got = ledger.mrenclave if ledger else signed.enclave_hash if signed else ""
        self.steps.add(
            passed("mrenclave", got)
            if got in self.expected
            else failed("mrenclave", got, " or ".join(self.expected))
        )

    def _remark(self, signed: SigStruct | None) -> None:
        if self.image is not None:
            started = self.image.command[0] if self.image.command else ""
            if self.program is not None and started and started.lstrip("/") != self.program.path:
                self.remarks.append(
                    f"The image starts {neutral(started, 120)}; measured is"
                    f" {neutral(self.program.path, 120)}. Whether the one ever starts the other,"
                    " nobody looked."
                )
            if version := self.image.labels.get("org.opencontainers.image.version"):
                self.remarks.append(
                    f"The image calls itself version {neutral(version, 40)}: a claim, like every"
                    " label."
                )
            for gone in (
                f for f in self.image.removed if not (f.data or b"").startswith(SIGSTRUCT_HEADER)
            ):
                self.remarks.append(
                    f"Layer {gone.layer} has another {neutral(gone.path, 120)}, which a later layer"
                    " took away: no container sees it."
                )
        if signed is None:
            return
        if debug_allowed(signed):
            self.remarks.append(
                "Its signer lets the host start it with DEBUG. MRENCLAVE is the same then: only a"
                " report tells."
            )
        signer = known_signer(signed.mrsigner, simulated=True)
        if signer and signer.anybody_can_sign:
            self.remarks.append(f"{signer.name}: {signer.note}.")


def _ends(number: int) -> str:
    """Return a number of 768 hex digits by its ends."""
    digits = f"{number:0768x}"
    return f"{digits[:8]}\N{HORIZONTAL ELLIPSIS}{digits[-8:]}"
