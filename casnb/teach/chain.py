"""The chain from Intel's root to the TLS connection as one picture: what vouches for what, by
which check, and how it went.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import chain as joined
from typing import NamedTuple

from cryptography import x509

from casnb.base.errors import CasnbError, EvidenceError, neutral
from casnb.base.svg import Span, box, drawing, head, path, text
from casnb.base.view import Shown, scrolling, short
from casnb.cas.asking import Attempt
from casnb.checks.result import Check, CheckStatus, not_run
from casnb.checks.view import describe
from casnb.evidence.cas_report import CasReport
from casnb.evidence.quote import Quote
from casnb.tls.cas_chain import CasChain
from casnb.tls.reader import common_name

#: From bad to good: an edge is as good as the worst of its checks.
_RANK = ("failed", "not-run", "waived", "passed")
_WORD = {"passed": "PASSED", "failed": "FAILED", "waived": "WAIVED", "not-run": "NOT RUN"}
_MARK = {
    "passed": "\N{CHECK MARK}",
    "failed": "\N{MULTIPLICATION X}",
    "waived": "\N{TILDE OPERATOR}",
    "not-run": "\N{EN DASH}",
}
_APPRAISED = ("tcb-status", "debug", "mrenclave", "mrsigner")


class Node(NamedTuple):
    """One thing in the chain: what it is, and by what this one is known."""

    title: str
    line: str


class Line(NamedTuple):
    """One check on an edge: status (`passed`, `failed`, `waived`, `not-run`), its id, what it
    saw.
    """

    status: str
    id: str
    saw: str


class Edge(NamedTuple):
    """How one node vouches for the next: in words, and by these checks."""

    words: str
    lines: tuple[Line, ...]

    @property
    def status(self) -> str:
        return min((line.status for line in self.lines), key=_RANK.index, default="not-run")


@dataclass(frozen=True, repr=False)
class Chain(Shown):
    """Nodes from root to leaf and the edges between them, one fewer; shows itself as picture and
    as text.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def status(self) -> str:
        """That of the weakest edge."""
        return min((e.status for e in self.edges), key=_RANK.index)

    @property
    def sentence(self) -> str:
        """What holds and what does not, in one sentence."""
        found: dict[str, list[str]] = {}
        for above, below, edge in self.steps:
            if edge.status != "passed":
                found.setdefault(_WORD[edge.status], []).append(f"{above.title} and {below.title}")
        weak = [
            f"{word} between {pairs[0]}" + (f", and on {len(pairs) - 1} more" if pairs[1:] else "")
            for word, pairs in found.items()
        ]
        return (
            "Every edge of the chain holds."
            if not weak
            else f"The chain is as good as its weakest edge: {'; '.join(weak)}."
        )

    @property
    def steps(self) -> tuple[tuple[Node, Node, Edge], ...]:
        """Each edge with the nodes it joins."""
        return tuple(zip(self.nodes, self.nodes[1:], self.edges, strict=False))

    def __repr__(self) -> str:
        return f"<Chain of {len(self.nodes)}: {self.status}>"

    def __str__(self) -> str:
        out = [f"{self.nodes[0].title}: {self.nodes[0].line}"]
        for _, below, edge in self.steps:
            out.append(f"  | {edge.words}")
            out += [f"  | {_WORD[line.status]:<8} {line.id:<20} {line.saw}" for line in edge.lines]
            out.append(f"{below.title}: {below.line}")
        return "\n".join([*out, "", self.sentence])

    def _html(self) -> str:
        return (
            f"<div><b>{escape(self.sentence)}</b></div>"
            f"{scrolling('Chain of trust', svg_chain(self))}"
            f"<details><summary>The same as text</summary><pre>{escape(str(self))}</pre></details>"
        )


def chain_of(
    report: CasReport | Attempt,
    checks: Iterable[Check] = (),
    *,
    roots: str = "",
    leaf: bytes | None = None,
) -> Chain:
    """Return the chain of a CAS report and of what became of its checks (those of a proof, or of
    an appraisal).

    An attempt brings report, checks and roots along. `leaf` is the TLS certificate (DER) that
    the server presented; without it the last edge was not looked at. Names in certificates are
    whatever their makers wrote: neutralised here, escaped when shown.
    """
    if isinstance(report, Attempt):
        return chain_of(report.report, report.result.checks, roots=roots or report.roots, leaf=leaf)
    by_id = {c.id: c for c in checks}
    nodes, edges = _platform(report, by_id, roots or "Intel")
    placed = {line.id for line in joined.from_iterable(e.lines for e in edges)} | {
        "certificate-binding",
        "nonce",
        "instance-key",
    }
    body, layout = (
        _body(report),
        "avr-format" if report.proof_type == "IASReport" else "quote-format",
    )
    nodes.append(Node("SGX report", f"MRENCLAVE {short(body[0])}"))
    others = [
        c.id
        for c in by_id.values()
        if c.id not in {*placed, *_APPRAISED, layout} and c.status is not CheckStatus.PASSED
    ]
    edges.append(
        Edge(
            "carries, and is it the enclave you want?",
            _lines(by_id, *_APPRAISED)
            + _lines(by_id, *(i for i in others if not by_id[i].optional)),
        )
    )
    nodes.append(Node("report_data", short(body[1])))
    edges.append(Edge("holds, 64 bytes at offset 320", _lines(by_id, layout)))
    chain = _chain(report)
    names = (
        f"{common_name(chain.instance.subject)} under {common_name(chain.root.subject)}"
        if chain
        else "unreadable"
    )
    nodes.append(
        Node("CAS certificates", f"{names}, key hash {chain.key_hashes[0]}" if chain else names)
    )
    edges.append(
        Edge(
            "is the hash of what names",
            _lines(by_id, "certificate-binding", "nonce", "instance-key"),
        )
    )
    nodes.append(Node("TLS certificate of the server", _leaf_name(leaf)))
    edges.append(Edge("signed", (_leaf_line(chain, leaf),)))
    return Chain(tuple(nodes), tuple(edges))


def _platform(
    report: CasReport, checks: Mapping[str, Check], roots: str
) -> tuple[list[Node], list[Edge]]:
    """From the root to the signed evidence: over the platform's key (DCAP), or over Intel's
    service (IAS).
    """
    whose = "Intel's" if roots == "Intel" else f"{neutral(roots, 60)} (not Intel's)"
    if report.proof_type == "IASReport":
        signer = _first_name(
            str(report.proof_data.get("signing_certificate", "")).encode("utf-8", "replace")
        )
        return (
            [
                Node("root of the attestation service", f"pinned, {whose}"),
                Node("IAS signing certificate", signer),
                Node(
                    "IAS report", f"request {neutral(report.proof_data.get('request_id', ''), 40)}"
                ),
            ],
            [
                Edge("certified", _lines(checks, "avr-chain")),
                Edge("signed", _lines(checks, "avr-signature", "avr-current")),
            ],
        )
    if report.proof_type == "EPIDQuote":
        line = Line(
            "not-run",
            "avr-signature",
            "only Intel's service, which has ended, could judge an EPID quote",
        )
        return [
            Node("root of the attestation service", f"pinned, {whose}"),
            Node("EPID quote", "signed by a member of a group"),
        ], [Edge("no report of the service", (line,))]
    try:
        quote = report.quote()
        name = _first_name(quote.pck_chain_pem) if isinstance(quote, Quote) else "none"
    except EvidenceError:
        name = "unreadable"
    return (
        [
            Node("SGX root", f"pinned, {whose}"),
            Node("PCK certificate of the processor", name),
            Node("attestation key", "made by the quoting enclave"),
            Node("quote", "header and report, signed"),
        ],
        [
            Edge(
                "certified, over an authority for platforms",
                _lines(checks, "pck-chain", "pck-revocation"),
            ),
            Edge(
                "signed the report of the quoting enclave, which names",
                _lines(checks, "qe-report-signature", "qe-report-binding", "qe-identity"),
            ),
            Edge("signed", _lines(checks, "quote-signature")),
        ],
    )


def _lines(checks: Mapping[str, Check], *ids: str) -> tuple[Line, ...]:
    """The lines of an edge; a check that nobody asked for says nothing about it, unless the edge
    would be bare.
    """
    found = [checks.get(id) or not_run(id, "not among the checks that were made") for id in ids]
    kept = [c for c in found if not c.optional] or found
    return tuple(Line(c.status.value, c.id, neutral(_saw(c), 100)) for c in kept)


def _saw(check: Check) -> str:
    """What a check saw, with the telling part first, since a picture has little room."""
    if check.status is CheckStatus.WAIVED:
        return f"by {check.flag}; got {short(check.got)}"
    if check.status is CheckStatus.FAILED:
        return f"got {short(check.got)}, wanted {short(check.wanted)}"
    return describe(check)


def _body(report: CasReport) -> tuple[str, str]:
    try:
        body = report.report_body()
    except CasnbError:
        return "unreadable", "unreadable"
    return body.mr_enclave.hex(), body.report_data.hex()


def _chain(report: CasReport) -> CasChain | None:
    try:
        return CasChain.from_pem(report.cert_chain_pem)
    except CasnbError:
        return None


def _first_name(pem: bytes) -> str:
    try:
        return common_name(x509.load_pem_x509_certificates(pem[:65536])[0].subject)
    except Exception:  # cryptography raises many kinds for hostile DER
        return "unreadable"


def _leaf_name(leaf: bytes | None) -> str:
    if leaf is None:
        return "not looked at"
    try:
        certificate = x509.load_der_x509_certificate(leaf)
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return "for " + neutral(", ".join(found.get_values_for_type(x509.DNSName)), 80)
    except Exception:  # the same
        return "unreadable, or for no name"


def _leaf_line(chain: CasChain | None, leaf: bytes | None) -> Line:
    if leaf is None or chain is None:
        return Line(
            "not-run",
            "TLS signature",
            "no connection was looked at" if leaf is None else "no chain to look under",
        )
    if chain.issued(leaf):
        return Line("passed", "TLS signature", "issued under the attested certificates")
    return Line(
        "failed", "TLS signature", "not issued under the attested ones: somebody else answers"
    )


# The picture

_WIDTH, _BOX, _ROW, _HEAD = 800, 52, 20, 30
#: How the line of an edge is drawn, beside the word that says the same.
_DASH = {"passed": "", "waived": "9 5", "not-run": "2 5", "failed": ""}


def svg_chain(chain: Chain) -> str:
    """Return the chain as inline SVG with title and description; colours follow the theme, and
    no status is told by colour.
    """
    parts: list[str] = []
    y = 4
    for n, node in enumerate(chain.nodes):
        parts += _box(node, y)
        y += _BOX
        if n < len(chain.edges):
            edge = chain.edges[n]
            height = _HEAD + _ROW * len(edge.lines) + 8
            parts += _edge(edge, y, height)
            y += height
    title = f"Chain of trust: {chain.sentence}"
    return drawing(_WIDTH, y + 4, title, parts, told=str(chain))


def _box(node: Node, y: int) -> list[str]:
    return [
        box(6, y, _WIDTH - 12, _BOX),
        text(20, y + 21, node.title, size=15, bold=True),
        text(20, y + 41, neutral(node.line, 92), mono=True),
    ]


def _edge(edge: Edge, y: int, height: int) -> list[str]:
    """An arrow downwards, drawn by its status, and beside it the words and one line for each
    check.
    """
    end, middle = y + height, y + height // 2
    out = [
        path((40, y), (40, end - 2), stroke=2, dash=_DASH[edge.status]),
        head((40, end - 1), down=True, size=10, stroke=2),
    ]
    if edge.status == "failed":
        out += [
            path((31, middle - 9), (49, middle + 9), stroke=3),
            path((49, middle - 9), (31, middle + 9), stroke=3),
        ]
    out.append(text(66, y + 21, edge.words, italic=True))
    for n, line in enumerate(edge.lines):
        words = (
            Span(f"{_MARK[line.status]} {_WORD[line.status]}", bold=True),
            Span(line.id, 158, mono=True),
            Span(neutral(line.saw, 58), 322),
        )
        data = f'data-check="{escape(line.id)}" data-status="{line.status}"'
        out.append(text(66, y + _HEAD + _ROW * n + 11, words, data=data))
    return out
