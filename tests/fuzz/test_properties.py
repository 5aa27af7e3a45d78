"""Whatever the bytes: a value or a refusal of casnb's own, no forged accept, and the same answer
in any place at any time.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from dataclasses import replace
from datetime import timedelta, timezone
from importlib import import_module
from pathlib import Path
from random import Random

import pytest
from fuzz import corpus, meaning
from fuzz.hostile import INPUTS, SIZE
from fuzz.mutators import ORDER, Mutator
from fuzz.targets import NOW, ROOTS, TARGETS, Forged, facts, ready
from hypothesis import given, settings
from hypothesis import strategies as st

from casnb.base import strictjson
from casnb.base.errors import EvidenceError
from casnb.evidence.ledger import CHUNK, PAGE, Eadd, Ecreate, Eextend, Ledger
from casnb.evidence.quote import EpidQuote, Quote
from casnb.evidence.report import REPORT_BODY, ReportBody
from casnb.evidence.sigstruct import SigStruct
from casnb.verify.dcap import verify_quote

QUICK = settings(max_examples=25, deadline=None)
every_target = pytest.mark.parametrize("name", TARGETS)
ROOT = Path(__file__).resolve().parent.parent.parent


@every_target
@QUICK
@given(
    data=st.binary(max_size=2000)
    | st.text(max_size=500).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_a_value_or_a_refusal(name, data):
    """No entry raises anything but its own errors, and nothing unsigned is accepted."""
    assert TARGETS[name].outcome(data).split(":")[0] in {
        "read",
        "malformed",
        "refused",
        "not judged",
        "not-checked",
    }


@every_target
@QUICK
@given(seed=st.integers(0, 1 << 64))
def test_a_changed_sample_is_refused_or_means_the_same(name, seed):
    """Bit flips, cuts, splices, lengths and tokens at their edges: refused, or accepted with the
    sample's meaning and verdict.
    """
    target = TARGETS[name]
    assert target.outcome(target.mutator.mutant(Random(seed)))


@every_target
def test_samples_themselves_are_read(name):
    """Each target begins with something that gets through to the end; otherwise its mutants
    would show nothing.
    """
    words = Counter(
        TARGETS[name].outcome(sample.data).split(":")[0] for sample in TARGETS[name].samples()
    )
    assert words["read"] + words["unchanged"] + words["accepted"] >= 1, words


def test_the_same_seed_gives_the_same_mutants():
    """A recorded run can be repeated."""
    for target in TARGETS.values():
        one, two = (Mutator(target.samples()) for _ in range(2))
        a, b = Random("seed"), Random("seed")
        assert [one.mutant(a) for _ in range(40)] == [two.mutant(b) for _ in range(40)]


# Serialised and read again


def _fields() -> st.SearchStrategy[ReportBody]:
    size = {"u16": 2, "u32": 4, "u64": 8}
    return st.tuples(
        *(
            (
                st.integers(0, 256 ** size[f.kind] - 1)
                if f.kind in size
                else st.binary(min_size=f.size, max_size=f.size)
            )
            for f in REPORT_BODY.fields
        )
    ).map(lambda values: ReportBody(*values))


def raw(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


BODIES = _fields()
U16, U32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
QUOTES = st.builds(
    Quote,
    version=st.just(3),
    att_key_type=st.just(2),
    tee_type=st.just(0),
    qe_svn=U16,
    pce_svn=U16,
    qe_vendor_id=raw(16),
    user_data=raw(20),
    body=BODIES,
    signature=raw(64),
    attestation_key=raw(64),
    qe_report=BODIES,
    qe_report_signature=raw(64),
    auth_data=st.binary(max_size=80),
    certification_type=st.integers(1, 5),
    certification_data=st.binary(max_size=200),
)
EPIDS = st.builds(
    EpidQuote,
    version=st.just(2),
    sign_type=st.integers(0, 1),
    epid_group_id=U32,
    qe_svn=U16,
    pce_svn=U16,
    xeid=U32,
    basename=raw(32),
    body=BODIES,
    signature=st.none() | st.binary(max_size=700),
)
SIGSTRUCTS = st.builds(
    lambda numbers, blobs: replace(
        SigStruct.from_bytes(corpus.SIGSTRUCTS[0].data),
        swdefined=numbers[0],
        miscselect=numbers[1],
        miscmask=numbers[2],
        isv_prod_id=numbers[0] & 0xFFFF,
        modulus=blobs[0],
        signature=blobs[1],
        q1=blobs[2],
        enclave_hash_bytes=blobs[0][:32],
    ),
    st.tuples(U32, U32, U32),
    st.tuples(raw(384), raw(384), raw(384)),
)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    pages = draw(st.lists(st.integers(0, 15), unique=True, max_size=6))
    records: list[Ecreate | Eadd | Eextend] = [Ecreate(draw(st.integers(1, 4)), 16 * PAGE)]
    for page in pages:
        records.append(Eadd(page * PAGE, draw(U32)))
        records += [
            Eextend(page * PAGE + n * CHUNK, draw(raw(CHUNK)))
            for n in draw(st.lists(st.integers(0, 15), max_size=2))
        ]
    return Ledger(tuple(records))


@pytest.mark.parametrize(
    "values",
    [BODIES, QUOTES, EPIDS, SIGSTRUCTS, ledgers()],
    ids=["report-body", "quote", "epid-quote", "sigstruct", "ledger"],
)
@QUICK
@given(data=st.data())
def test_what_is_written_is_read_as_the_same(values, data):
    """parse(serialise(x)) == x for every value of a format, and the bytes come back too."""
    value = data.draw(values)
    again = type(value).from_bytes(value.to_bytes())
    assert again == value and again.to_bytes() == value.to_bytes()


# Forgery


def breaks(monkeypatch: pytest.MonkeyPatch, path: str, value: object) -> None:
    module, _, name = path.rpartition(".")
    monkeypatch.setattr(import_module(module), name, value)


@pytest.mark.parametrize(
    "path, value, target, mutant",
    [
        pytest.param(
            "casnb.verify.dcap.verify_p256",
            lambda *_: True,
            "verify-quote",
            lambda q: q[:112] + b"\xee" * 32 + q[144:],
            id="quote-signature",
        ),
        pytest.param(
            "casnb.verify.dcap._binding",
            lambda q: (None, "x", "x"),
            "verify-quote",
            lambda q: q[:1014] + bytes(32) + q[1046:],
            id="binding",
        ),
        pytest.param(
            "casnb.verify.endorsements.verify_p256",
            lambda *_: True,
            "verify-lists",
            lambda _: (
                b"tcb_info\n" + corpus.LISTS.tcb_info.replace('"OutOfDate"', '"UpToDate"').encode()
            ),
            id="list-signature",
        ),
        pytest.param(
            "casnb.verify.ias._signature",
            lambda *_: (None, "x", "x"),
            "verify-ias-report",
            lambda _: (
                b"body\n"
                + corpus.signed_avrs()["outdated"].body.replace(b'"GROUP_OUT_OF_DATE"', b'"OK"')
            ),
            id="ias-signature",
        ),
        pytest.param(
            "casnb.verify.keyhash.base58check",
            lambda _: corpus.HASHES[0].data.decode()[:-1] + "1",
            "key-hash",
            lambda _: corpus.HASHES[0].data[:-1] + b"1",
            id="key-hash-checksum",
        ),
    ],
)
def test_a_verifier_that_looks_away_is_found_out(monkeypatch, path, value, target, mutant):
    """With one check switched off, a mutant is accepted and the suite says FORGED; with all on,
    it is refused.
    """
    data = mutant(corpus.good_quotes()[0].data)
    for found in (
        TARGETS[target].outcome(corpus.good_quotes()[0].data),
        TARGETS[target].outcome(data),
    ):
        assert "FORGED" not in found
    assert TARGETS[target].outcome(data).startswith(("refused", "malformed"))
    breaks(monkeypatch, path, value)
    with pytest.raises(Forged):
        TARGETS[target].outcome(data)


def _chain(quote: bytes, change) -> bytes:
    return corpus.fitting(quote[:1052] + change(quote[1052:]))


def _turned(quote: bytes, at: int) -> bytes:
    s = int.from_bytes(quote[at + 32 : at + 64], "big")
    return quote[: at + 32] + (ORDER - s).to_bytes(32, "big") + quote[at + 64 :]


def _blocks(pem: bytes, order: tuple[int, ...]) -> bytes:
    found = [
        block + b"-----END CERTIFICATE-----\n"
        for block in pem.split(b"-----END CERTIFICATE-----\n")[:3]
    ]
    return b"".join(found[n] for n in order)


SAME = [
    pytest.param(lambda q: _chain(q, lambda pem: pem.replace(b"\n", b"\r\n")), id="line-ends"),
    pytest.param(lambda q: _chain(q, lambda pem: pem.replace(b"\n", b"")), id="no-line-ends"),
    pytest.param(lambda q: _chain(q, lambda pem: pem + b"\0"), id="final-nul"),
    pytest.param(
        lambda q: _chain(q, lambda pem: b"text\n" + pem + b"more text"), id="text-around-blocks"
    ),
    pytest.param(
        lambda q: _chain(q, lambda pem: _blocks(pem, (2, 0, 1))), id="order-of-certificates"
    ),
    pytest.param(lambda q: _turned(q, 436), id="n-minus-s-of-the-quote"),
    pytest.param(lambda q: _turned(q, 948), id="n-minus-s-of-the-QE-report"),
    pytest.param(
        lambda q: q[:368] + corpus.good_quotes()[1].data[368:500] + q[500:],
        id="another-statement-of-the-same-key",
    ),
]


@pytest.mark.parametrize("change", SAME)
def test_these_changes_are_no_forgery(change):
    """All that may differ in an accepted quote: what PEM ignores, the order of certificates, the
    signature's twin; or every part was validly signed by the same key.
    """
    good = corpus.good_quotes()[0].data
    changed = change(good)
    assert changed != good and TARGETS["verify-quote"].outcome(changed) == "unchanged"


def test_every_bit_outside_the_certificates_counts():
    """A quote with any one bit changed, up to where its certificates begin, is refused."""
    good = corpus.good_quotes()[0].data
    for bit in Random(7).sample(range(8 * 1052), 1500):
        at, mask = bit // 8, 1 << bit % 8
        data = good[:at] + bytes((good[at] ^ mask,)) + good[at + 1 :]
        assert TARGETS["verify-quote"].outcome(data).startswith("refused"), f"bit {bit}"


def test_every_length_at_its_edges_counts():
    """Each length field at 0, 1, one off, and as large as it goes; and the quote cut short
    anywhere.
    """
    good = corpus.good_quotes()[0].data
    for at, size, _ in corpus.quote_lengths(good):
        real = int.from_bytes(good[at : at + size], "little")
        for value in {0, 1, real - 1, real + 1, len(good), 2**16 - 1, 2**31, 2**32 - 1} - {real}:
            field = (value % 256**size).to_bytes(size, "little")
            if field != good[at : at + size]:
                assert (
                    TARGETS["verify-quote"]
                    .outcome(good[:at] + field + good[at + size :])
                    .startswith("refused")
                )
    for cut in range(0, len(good), 7):
        with pytest.raises(EvidenceError):
            Quote.from_bytes(good[:cut])


# Place and time


def outcomes() -> str:
    """Every target's answers to the same mutants, as one text."""
    lines = []
    for name, target in TARGETS.items():
        random = Random(name)
        lines += [f"{name} {target.outcome(target.mutator.mutant(random))}" for _ in range(12)]
    for sample in corpus.good_quotes():
        lines.append(repr(facts(verify_quote(sample.data, ready(), roots=ROOTS, now=NOW))))
    return "\n".join(lines)


_ELSEWHERE = """\
import locale, sys, time
sys.path.insert(0, "tests")
locale.setlocale(locale.LC_ALL, "")
from fuzz import test_properties as here
for target in here.TARGETS.values():
    target.mutator
def never(*_):
    raise AssertionError("the clock was read")
time.time = time.time_ns = time.localtime = time.gmtime = never
sys.stdout.buffer.write(here.outcomes().encode())
"""


def test_answers_do_not_depend_on_clock_locale_and_time_zone():
    """Other processes, in other places and with other hash seeds, say the same; none of them
    reads the clock.
    """
    here = outcomes()
    for place in (
        {
            "TZ": "Pacific/Kiritimati",
            "LC_ALL": "C",
            "PYTHONHASHSEED": "1",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
        },
        {
            "TZ": "America/Anchorage",
            "LC_ALL": "C.UTF-8",
            "PYTHONHASHSEED": "2",
            "PYTHONOPTIMIZE": "",
        },
    ):
        run = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _ELSEWHERE],
            cwd=ROOT,
            env={**os.environ, **place},
            capture_output=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr.decode()[-2000:]
        assert run.stdout.decode() == here


@pytest.mark.parametrize("hours", [-11, 0, 14])
def test_the_zone_of_now_does_not_matter(hours):
    """One instant in another zone is the same verification time."""
    there = NOW.astimezone(timezone(timedelta(hours=hours)))
    proof = verify_quote(corpus.good_quotes()[0].data, ready(), roots=ROOTS, now=there)
    assert proof == verify_quote(corpus.good_quotes()[0].data, ready(), roots=ROOTS, now=NOW)


# Bounds

#: What reads such a megabyte whole before it refuses it; everything else asks one of these first.
READERS = {
    "JSON": ("json",),
    "page": ("page",),
    "SGXS": ("ledger",),
    "DER": ("ra-tls", "certificate"),
    "CBOR": ("cbor",),
    "PEM": ("certificate-chain", "any-evidence"),
    "quote": ("verify-quote",),
    "base64": ("revocation-list", "any-evidence"),
    "hex": ("revocation-list", "any-evidence"),
}


def readers(name: str) -> tuple[str, ...]:
    return READERS.get(name.replace(":", " ").split()[0], ("any-evidence",))


@pytest.mark.parametrize("name", INPUTS)
def test_a_megabyte_is_answered(name):
    """Every reader answers a megabyte made to hurt with a value or a refusal."""
    data = INPUTS[name]()
    assert len(data) <= SIZE + 256
    for reader in readers(name):
        assert TARGETS[reader].outcome(data)


@pytest.mark.soak
@pytest.mark.parametrize("name", INPUTS)
def test_a_megabyte_needs_little_memory(name):
    """No reader ever holds 50 MB for a megabyte made to hurt."""
    data = INPUTS[name]()
    for reader in readers(name):
        tracemalloc.start()
        try:
            TARGETS[reader].outcome(data)
            held = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert held < 50e6, f"{reader}: {held / 1e6:.0f} MB"


def test_a_member_twice_is_found_in_one_pass():
    """The names are counted, not compared each with each: of ninety thousand the last may be the
    one that stands twice.
    """
    data = INPUTS["JSON: many members, the last one twice"]()
    with pytest.raises(EvidenceError, match="twice"):
        strictjson.loads(data, "text")


def test_meaning_tells_evidence_apart():
    """The oracle itself: each good quote means something else, and so does each with a changed
    byte.
    """
    found = [meaning.quote(sample.data) for sample in corpus.good_quotes()]
    assert len(set(found)) == len(found)
    assert (
        meaning.quote(base64.b64decode(base64.b64encode(corpus.good_quotes()[0].data))) == found[0]
    )
