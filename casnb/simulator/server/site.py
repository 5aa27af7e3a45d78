"""The public CAS page of a simulated world, in four of the forms it had over the years, and the
site that serves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from casnb.base.errors import UsageError
from casnb.simulator.scenario import Release
from casnb.simulator.world import World

#: Newest first. What differs is what a scraper meets: how the example command is set, which tables
#: there are, which columns.
LAYOUTS = ("today", "2024-10", "2022-04", "2021-10")

_FLAGS = "-GCS --only_for_testing-debug --only_for_testing-ignore-signer"
_COLUMNS = (
    "Public CAS Address",
    "CAS version",
    "Public CAS MrEnclave",
    "Namespaces support",
    "Azure integration support",
    "DCAP-based Apps",
)
_CENTRED = {
    "today": ' style="text-align: center;"',
    "2024-10": ' class="c"',
    "2022-04": ' class="c"',
    "2021-10": ' class="c"',
}

_STYLE = """\
:root{color-scheme:light dark;
--ink:#1c2733;--soft:#4a5866;--line:#cfd7df;--ground:#fff;--tint:#f2f5f8;--mark:#0b5c8a}
@media(prefers-color-scheme:dark){:root{
--ink:#e6ebf0;--soft:#b3bfca;--line:#44515e;--ground:#161c22;--tint:#1f272f;--mark:#7cc4ee}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:17px/1.6 system-ui,"Segoe UI",Roboto,sans-serif}
header,main,footer{max-width:76rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:1.2rem;color:var(--soft)}
footer{padding:1.5rem;margin-top:2.5rem;border-top:1px solid var(--line);
color:var(--soft);font-size:.9rem}
h1{font-weight:650;font-size:2rem;line-height:1.2;margin:.6rem 0 1rem}
h2{font-weight:600;font-size:1.3rem;margin:2.2rem 0 .6rem}
a{color:var(--mark)}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.93rem}
caption{text-align:left;color:var(--soft);padding:.3rem 0}
th,td{padding:.5rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th.c,td.c{text-align:center}
thead th{background:var(--tint);font-weight:600}
code,pre{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.86em;overflow-wrap:anywhere}
td:first-child{white-space:nowrap}
td code{font-size:.8em}
pre{background:var(--tint);border:1px solid var(--line);border-radius:6px;padding:.9rem 1rem;
white-space:pre-wrap;line-height:1.5}
.note{border-left:4px solid var(--mark);background:var(--tint);padding:.6rem 1rem;margin:1.2rem 0}
.note p{margin:.2rem 0}
"""


@dataclass(frozen=True)
class _Row:
    address: str
    version: str
    mrenclave: str | None


def render_page(
    world: World, layout: str = "today", addresses: Sequence[str] = (), *, stale: bool = True
) -> str:
    """Return the page as HTML. `addresses` (where this world's CAS is reached) get rows of their
    own, first in the table.

    Every layout lists the same rows. The example command names the release before the running
    one, as pages do that nobody updated (`stale` false: the running one, by its number), and is
    set so that cutting the line into words gives, by layout, a word of prose (`today`), a flag
    (`2024-10`, `2022-04`) or the MRENCLAVE of the release it names (`2021-10`).
    """
    if layout not in LAYOUTS:
        raise UsageError("page layout", got=layout, wanted="one of " + ", ".join(LAYOUTS))
    stable = [r for r in world.release_history if r.mrenclave]
    edge = [r for r in world.release_history if not r.mrenclave]
    live = [_Row(a, stable[0].version, world.mrenclave) for a in addresses]
    rows = live + [_Row(r.address, r.version, r.mrenclave) for r in stable]
    debug = world.setup.debug
    body = [
        '<h1 id="public-cas">Public CAS</h1>',
        (
            "<p>Here you find the addresses under which a configuration and attestation service"
            f" can be tried, and what each of them should measure. {_state(debug)}</p>"
        ),
        (
            '<div class="note"><p><strong>This is a simulation.</strong> It belongs to a lesson;'
            " every key behind it is public. Whoever controls this web server chooses the values"
            " below: TLS proves which server you read, not that it is right.</p></div>"
        ),
    ]
    body += ['<h2 id="stable">Stable</h2>'] if layout != "2021-10" else []
    body += [
        (
            "<p>One row for each address. Older addresses keep working and lead to the newest"
            " release of their series.</p>"
        ),
        _table(layout, rows, "Public instances and their measurements"),
    ]
    if edge and layout != "2021-10":
        body += [
            '<h2 id="edge">Edge</h2>',
            *(_edge(r) for r in edge),
            _table(
                layout,
                [_Row(r.address, r.version + "+", None) for r in edge],
                "Nightly builds, without measurement",
            ),
        ]
    body += [
        '<h2 id="other-info">Other info</h2>',
        "<p><strong>Ports</strong>:</p>",
        (
            "<ul><li><code>8081</code>: client API, for people and their"
            " tools</li><li><code>18765</code>: enclave API, for programs that want to be attested"
            " (not simulated)</li></ul>"
        ),
        '<h2 id="attest-and-use-a-public-cas">Attest and use a public CAS</h2>',
        "<p>Before you send anything to a CAS, attest it. The general form, then an example:</p>",
        *_EXAMPLES[layout](
            stable[min(1, len(stable) - 1)] if stale else _numbered(stable[0]), debug
        ),
    ]
    return _document(
        "Public CAS",
        "\n".join(body),
        f"Simulated world, {world.public_name}, scenario {world.scenario}.",
    )


def not_found_page() -> str:
    """Return the page for an address that is not there; its text says nothing that a scraper
    could mistake for a value.
    """
    return _document(
        "Page not found",
        "<h1>Page not found</h1>\n<p>There is no page at this address. Pages live under a version, "
        'for example <a href="/latest/public-CAS/">/latest/public-CAS/</a>.</p>',
        "Status 404.",
    )


def prose_page(world: World) -> str:
    """Return the page from before it had a table: hosts in a list, a command with variables, and
    no measurement anywhere.
    """
    hosts = "".join(
        f"<li><code>{escape(r.address)}</code>: version {escape(r.version)}</li>"
        for r in world.release_history
    )
    body = (
        f"<h1>Public CAS</h1>\n<p>Our public instances:</p>\n<ul>{hosts}</ul>\n<p>Attest one of"
        f" them:</p>\n<pre>$ {escape(_general(world.setup.debug))}\n</pre>"
    )
    return _document("Public CAS", body, f"Simulated world, {world.public_name}.")


def create_site(world: World, addresses: Sequence[str] = ()) -> Callable[..., Iterable[bytes]]:
    """Return the WSGI app: `/latest/public-CAS/`, an older layout each under `/2024-10/`,
    `/2022-04/`, `/2021-10/`, and under `/2021-11/` that of 2021-10 with its example up to date;
    else 404.
    """
    pages = {
        f"/{'latest' if layout == 'today' else layout}/public-CAS/": (
            render_page(world, layout, addresses).encode()
        )
        for layout in LAYOUTS
    }
    fresh = render_page(world, LAYOUTS[-1], addresses, stale=False)
    pages["/2021-11/public-CAS/"] = fresh.encode()
    links = "".join(f'<li><a href="{path}">{path}</a></li>' for path in pages)
    index = (
        f"<h1>Documentation</h1>\n<p>The public CAS page, newest form first:</p>\n<ul>{links}</ul>"
    )
    pages["/"] = _document("Documentation", index, "A simulation.").encode()
    missing = not_found_page().encode()

    def site(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
        ]
        body, status = pages.get(path, missing), "200 OK" if path in pages else "404 Not Found"
        if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            status, body = "405 Method Not Allowed", b""
            headers.append(("Allow", "GET, HEAD"))
        elif path + "/" in pages:
            status, body = "301 Moved Permanently", b""
            headers.append(("Location", path + "/"))
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]

    return site


def _numbered(release: Release) -> Release:
    """The same release under the address that bears its number, as older examples had it."""
    return replace(release, address=f"{release.version.replace('.', '-')}.scone-cas.cf")


def _state(debug: bool) -> str:
    if not debug:
        return (
            "<strong>They run as production enclaves</strong>; compare the signer as well as the"
            " measurement."
        )
    return (
        "<strong>They run in debug mode: the operator can read their memory.</strong> They are for"
        " evaluation, are wiped now and then, and must never hold a secret."
    )


def _edge(release: Release) -> str:
    """One line on purpose: it is the last one that holds the command where the examples are set
    in spans.
    """
    return (
        f"<p>The address <code>{escape(release.address)}</code> follows our nightly builds and the"
        " database behind it is emptied often, so <strong>no MrEnclave is given for it</strong>."
        " Adding <code>--only_for_testing-trust-any</code> to <code>scone cas attest</code>"
        " accepts whatever runs there. Never do that with anything you care about.</p>"
    )


def _table(layout: str, rows: Sequence[_Row], caption: str) -> str:
    centred = _CENTRED[layout]
    out = [
        f'<div class="wide" role="region" tabindex="0" aria-label="{caption}">',
        "<table>",
        f"<caption>{caption}</caption>",
        "<thead>",
        "<tr>",
    ]
    out.append(f'<th scope="col">{_COLUMNS[0]}</th>')
    out += [f'<th scope="col"{centred}>{name}</th>' for name in _COLUMNS[1:]]
    out += ["</tr>", "</thead>", "<tbody>"]
    for row in rows:
        value = f"<code>{row.mrenclave}</code>" if row.mrenclave else "N/A"
        yes = '<span role="img" aria-label="yes">\N{HEAVY CHECK MARK}</span>'
        out += [
            "<tr>",
            f"<td>{escape(row.address)}</td>",
            f"<td{centred}>{escape(row.version)}</td>",
            f"<td{centred}>{value}</td>",
        ]
        out += [f"<td{centred}>{yes}</td>"] * 3
        out.append("</tr>")
    return "\n".join([*out, "</tbody>", "</table>", "</div>"])


# The example commands: one way of setting them for each layout


def _session(release: Release, debug: bool) -> tuple[str, list[str]]:
    """The command, and what it prints."""
    words = f"scone cas attest {release.address} {release.mrenclave}" + (
        f" {_FLAGS}" if debug else ""
    )
    return words, [f"CAS {release.address} at https://{release.address}:8081/ is trustworthy"]


def _general(debug: bool) -> str:
    return "scone cas attest $PUBLIC_CAS_ADDR $PUBLIC_CAS_MRENCLAVE" + (
        f" {_FLAGS}" if debug else ""
    )


def _spans(release: Release, debug: bool) -> list[str]:
    """Each word in a span of its own, and a span for each space: no line of text holds the
    command any more.
    """
    command, said = _session(release, debug)

    def spread(words: str) -> str:
        gap = '<span class="w"> </span>'
        return gap.join(
            f'<span class="nv">{w}</span>' if w.startswith("$") else _number(w)
            for w in words.split()
        )

    more = ["scone cas list", "scone cas show-certificate"]
    block = [
        f'<span class="gp">$ </span>{spread(command)}',
        *(f'<span class="go">{escape(line)}</span>' for line in said),
        "",
        *(f'<span class="gp">$ </span>{spread(line)}' for line in more),
    ]
    return [
        (
            '<div class="highlight"><pre><span></span><code>'
            f"{spread(_general(debug))}\n</code></pre></div>"
        ),
        "<p>Example:</p>",
        '<div class="highlight"><pre><span></span><code>'
        + "\n".join(block)
        + "\n</code></pre></div>",
    ]


def _fenced(release: Release, debug: bool) -> list[str]:
    command, said = _session(release, debug)
    return [
        f'<pre class="highlight"><code class="language-bash">{_general(debug)}</code></pre>',
        "<p>Example:</p>",
        f'<pre class="highlight"><code class="language-console">$ {command}\n'
        + "\n".join(map(escape, said))
        + "</code></pre>",
    ]


def _collapsed(release: Release, debug: bool) -> list[str]:
    """A renderer that took a block for a phrase: the name of the language became part of the
    text.
    """
    command, said = _session(release, debug)
    return [
        f"<p><code>bash\n{_general(debug)}</code></p>",
        "<p>Example:</p>",
        f"<p><code>console\n$ {command}\n" + "\n".join(map(escape, said)) + "</code></p>",
    ]


def _coloured(release: Release, debug: bool) -> list[str]:
    command, said = _session(release, debug)
    general = " ".join(
        f'<span class="nv">{w}</span>' if w.startswith("$") else w for w in _general(debug).split()
    )
    shown = " ".join(_number(w) for w in command.split())
    return [
        f'<div class="highlight"><pre><span></span>{general}\n</pre></div>',
        "<p>Example:</p>",
        f'<div class="highlight"><pre><span></span><span class="gp">$</span> {shown}\n'
        + "\n".join(f'<span class="go">{escape(line)}</span>' for line in said)
        + "\n</pre></div>",
    ]


def _number(word: str) -> str:
    """A host name that starts with a number, the way a highlighter for shell scripts sees it."""
    head, dash, tail = word.partition("-")
    return (
        f'<span class="m">{head}</span>{dash}{escape(tail)}'
        if head.isdigit() and dash
        else escape(word)
    )


_EXAMPLES: dict[str, Callable[[Release, bool], list[str]]] = {
    "today": _spans,
    "2024-10": _fenced,
    "2022-04": _collapsed,
    "2021-10": _coloured,
}


def _document(title: str, body: str, foot: str) -> str:
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta'
        f' charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width,'
        f' initial-scale=1">\n<style>\n{_STYLE}</style>\n</head>\n<body>\n'
        '<a class="skip" href="#content">To the content</a>\n<header><p>Documentation (simulated by'
        " casnb)</p></header>\n"
        f'<main id="content">\n{body}\n</main>\n'
        f"<footer><p>{escape(foot)}</p></footer>\n</body>\n</html>\n"
    )
