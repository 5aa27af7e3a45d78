"""The public CAS page: what is read from real and simulated pages, and what is refused."""

from __future__ import annotations

import json
import ssl
import sys
import time
from pathlib import Path

import pytest

from casnb.base.errors import CasnbError, EvidenceError, SourceError, UsageError
from casnb.cas import page_fetch as module
from casnb.cas.page import scrape
from casnb.simulator.server.site import LAYOUTS, render_page

PAGES = (
    "2021-06-21-5fc9fdf3",
    "2021-10-14-c3c5b8ff",
    "2022-04-27-9bbf15dc",
    "2024-10-29-65631003",
    "2026-08-04-dec28075",
    "root-404",
)
A, B = "a1" * 32, "b2" * 32
HEAD = ("Public CAS Address", "CAS version", "Public CAS MrEnclave")


def cells(*texts, tag="td"):
    return "<tr>" + "".join(f"<{tag}>{t}</{tag}>" for t in texts) + "</tr>"


def page(*rows, head=HEAD) -> bytes:
    """Return a page with one table; a row is (address, version, value) or markup."""
    body = "".join(row if isinstance(row, str) else cells(*row) for row in rows)
    return f"<html><body><table>{cells(*head, tag='th')}{body}</table></body></html>".encode()


GOOD = page(("cas.example", "6.0", f"<code>{A}</code>"))


# Real pages


@pytest.mark.parametrize("name", PAGES)
def test_real_page(vectors, name):
    """A page as it was served gives exactly its table's values, or a refusal where it has none."""
    folder = vectors / "public-cas" / name
    expected = json.loads((folder / "expected.json").read_bytes())
    if not expected:
        with pytest.raises(EvidenceError, match="no table with an address and an MrEnclave column"):
            scrape(folder / "page.html")
        return
    found = scrape(folder / "page.html")
    assert found.values == expected
    assert {address: found.mrenclave(address) for address in expected} == expected
    for address in json.loads((folder / "meta.json").read_bytes())["no_mrenclave"]:
        assert address not in found.values
        with pytest.raises(EvidenceError, match="N/A"):
            found.mrenclave(address)


def test_every_real_page_is_tried(vectors):
    """No stored page is left out above."""
    assert sorted(PAGES) == sorted(p.name for p in (vectors / "public-cas").iterdir() if p.is_dir())


@pytest.mark.parametrize("name", ["2021-10-14-c3c5b8ff", "2024-10-29-65631003"])
def test_stale_example_line_is_a_warning(vectors, name):
    """Where the example line attests an older release, the table's value is taken and the reader
    is told.
    """
    assert any(
        "example line is stale" in w
        for w in scrape(vectors / "public-cas" / name / "page.html").warnings
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_simulated_layout(public, layout):
    """Each layout of the simulated site gives the same rows."""
    found = scrape(render_page(public, layout, ("127.1.2.3",)).encode())
    assert found.mrenclave("127.1.2.3") == public.mrenclave
    assert found.values == {
        r.address: r.mrenclave for r in public.release_history if r.mrenclave
    } | {"127.1.2.3": public.mrenclave}


# What is read


@pytest.mark.parametrize(
    ("html", "address"),
    [
        pytest.param(GOOD, "cas.example", id="plain"),
        pytest.param(GOOD, "cas.example:8081", id="asked with port"),
        pytest.param(GOOD, "https://cas.example:8081/", id="asked with https"),
        pytest.param(GOOD, "CAS.Example", id="asked in upper case"),
        pytest.param(page(("cas.example", "6", f"\n  {A}\n")), "cas.example", id="spaces around"),
        pytest.param(
            page(("cas.example", "6", f"<code>{A[:32]}</code><code>{A[32:]}</code>")),
            "cas.example",
            id="two spans",
        ),
        pytest.param(
            page(("6", A, "cas.example"), head=("Version", "MRENCLAVE", "Address")),
            "cas.example",
            id="columns moved",
        ),
        pytest.param(
            page(("cas.example", A), head=("CAS address", "Mr Enclave")),
            "cas.example",
            id="header with spaces",
        ),
        pytest.param(page(("x.example", "6", B)) + GOOD, "cas.example", id="second table"),
        pytest.param(
            b"<table>"
            + cells("Port", tag="th").encode()
            + cells("8081").encode()
            + b"</table>"
            + GOOD,
            "cas.example",
            id="another kind of table first",
        ),
        pytest.param(
            page(("cas.example", "6", A), ("cas.example", "6", A)),
            "cas.example",
            id="two rows that agree",
        ),
        pytest.param(
            page(("cas.example", "6", f"{A}<!-- {B} -->")), "cas.example", id="comment in the cell"
        ),
    ],
)
def test_read(html, address):
    """The value in the row of exactly this host."""
    assert scrape(html).mrenclave(address) == A


@pytest.mark.parametrize(
    ("html", "told"),
    [
        pytest.param(page(("cas.example", "6", "N/A")), "N/A", id="N/A"),
        pytest.param(page(("cas.example", "6", "")), "empty cell", id="empty cell"),
        pytest.param(page(("other.example", "6", A)), "no row for it", id="no row"),
        pytest.param(
            page(("5-cas.example", "6", A)), "no row for it", id="host at the end of another's name"
        ),
        pytest.param(
            page(("cas.example.org", "6", A)),
            "no row for it",
            id="host at the start of another's name",
        ),
        pytest.param(page(("see cas.example", "6", A)), "no row for it", id="host inside prose"),
        pytest.param(page(("cas", "6", A)), "without a domain", id="row without domain"),
        pytest.param(
            page(("cas.example", "6", A), ("cas.example", "5", B)),
            "disagree",
            id="two rows disagree",
        ),
        pytest.param(
            page(("cas.example", "6", A), ("cas.example", "5", "N/A")),
            "disagree",
            id="one of two rows has none",
        ),
        pytest.param(
            page(("cas.example", "6", A)) + page(("CAS.example", "6", B)),
            "disagree",
            id="two tables disagree",
        ),
        pytest.param(page(("cas.example", "6", A.upper())), A.upper(), id="upper case"),
        pytest.param(page(("cas.example", "6", A[1:])), A[1:], id="63 digits"),
        pytest.param(page(("cas.example", "6", A + "0")), A + "0", id="65 digits"),
        pytest.param(page(("cas.example", "6", "0x" + A)), "0x" + A, id="0x"),
        pytest.param(
            page(("cas.example", "6", A[:30] + " " + A[30:])), A[:30] + " ", id="space inside"
        ),
        pytest.param(
            page(("cas.example", "6", A[:-1] + "\N{CYRILLIC SMALL LETTER A}")),
            "wanted 64",
            id="look-alike letter",
        ),
        pytest.param(
            page(("cas.example", "6", A[:-1] + "\N{FULLWIDTH DIGIT ONE}")),
            "wanted 64",
            id="wide digit",
        ),
        pytest.param(
            page(("cas.example", "6", f"{A} {B}")), "wanted 64", id="two values in the cell"
        ),
        pytest.param(page(("cas.example", A)), "2 cells under 3 headings", id="a cell is missing"),
        pytest.param(
            page(("cas.example", "x", "6", A)), "4 cells under 3 headings", id="a cell too many"
        ),
        pytest.param(
            page(f'<tr><td>cas.example</td><td colspan="2">6</td><td>{A}</td></tr>'),
            "headings",
            id="colspan",
        ),
        pytest.param(
            page(f'<tr><td rowspan="2">cas.example</td><td>6</td><td>{A}</td></tr>'),
            "headings",
            id="rowspan",
        ),
    ],
)
def test_refused_for_this_host(html, told):
    """A page that has no one clear value for the host is refused for it, with the reason;
    nothing is guessed.
    """
    found = scrape(html)
    with pytest.raises(EvidenceError) as caught:
        found.mrenclave("cas.example")
    assert told in str(caught.value)
    assert "cas.example" not in found.values


@pytest.mark.parametrize(
    ("html", "told"),
    [
        pytest.param(b"", "no table", id="empty"),
        pytest.param(
            b"<p>scone cas attest cas.example " + A.encode(), "no table", id="prose alone"
        ),
        pytest.param(
            page(("cas.example", "6", A), head=("Host", "Version", "MrEnclave")),
            "no table",
            id="no address header",
        ),
        pytest.param(
            page(("cas.example", "6", A), head=("Address", "CAS version", "Hash")),
            "no table",
            id="no MrEnclave header",
        ),
        pytest.param(
            page(("cas.example", A, B), head=("Address", "MrEnclave", "old MrEnclave")),
            "two MrEnclave",
            id="two values",
        ),
        pytest.param(
            page(("cas.example", "a", B), head=("Address", "IP address", "MrEnclave")),
            "two address",
            id="two addresses",
        ),
        pytest.param(page(), "no table", id="header alone"),
        pytest.param(
            b"<table>"
            + cells(*HEAD, tag="th").encode()
            + b"<tr><td>"
            + page(("cas.example", "6", "N/A"))[12:]
            + b"</td></tr>"
            + cells("cas.example", "6", A).encode()
            + b"</table>",
            "cas.example",
            id="nested table",
        ),
        pytest.param(
            b"<table>"
            + cells(*HEAD, tag="th").encode()
            + f"<tr><td>cas.example<td>6<td>{A}".encode(),
            "not closed",
            id="cells not closed",
        ),
        pytest.param(GOOD[: GOOD.rfind(b"</table") + 3], "inside a tag", id="cut off inside a tag"),
        pytest.param(b"\0\xff" * 500, "no table", id="binary"),
        pytest.param(b"<b>" * 20_000, "tags", id="too many tags"),
        pytest.param(b"<table></table>" * 60, "tables", id="too many tables"),
        pytest.param(page(*[("x", "1", A)] * 1200), "rows", id="too many rows"),
        pytest.param(page(("x",) * 60), "cells", id="too many cells"),
        pytest.param(b"<table>" * 4000, "tables", id="deeply nested tables"),
        pytest.param(b"<a" + b" b" * 60_000 + b">", "60000 words", id="too many attributes"),
        pytest.param(
            b"<table>" + b"&" * 3000 + b"</table>", "3000 ampersands", id="too many ampersands"
        ),
        pytest.param(b"x" * (module.PAGE_LIMIT + 1), "Too large", id="larger than 2 MiB"),
    ],
)
def test_refused_as_a_page(html, told):
    """What is not such a page gives one clear error, whatever is in it."""
    with pytest.raises(EvidenceError, match=told):
        scrape(html).mrenclave("cas.example")


def test_a_nested_table_counts_for_itself_alone():
    """A table inside a cell cannot put its rows into the table around it."""
    inner = page(("cas.example", "6", A)).decode()
    found = scrape(page(("outer.example", "6", f"{B}<div>{inner}</div>")))
    assert found.values == {"cas.example": A}


def test_hostile_text_is_shown_escaped():
    """Markup, control characters and endless text in cells reach no notebook and no terminal as
    they are.
    """
    evil = "&lt;img src=x onerror=alert(1)&gt;\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}"
    found = scrape(page((evil, evil, evil + "9" * 5000), ("cas.example", "6", A)))
    shown = found._repr_mimebundle_()
    assert "<img" not in shown["text/html"] and len(shown["text/html"]) < 12000
    assert not {"\x1b", "\N{RIGHT-TO-LEFT OVERRIDE}"} & set(
        shown["text/html"] + shown["text/plain"] + repr(found)
    )
    assert "as good as the web page" in shown["text/plain"]


# Files


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda p: p / "missing.html", id="missing"),
        pytest.param(lambda p: p, id="a folder"),
    ],
)
def test_unreadable_file(tmp_path, make):
    """A file that cannot be read decides nothing."""
    with pytest.raises(SourceError):
        scrape(make(tmp_path))


def test_large_file_is_not_read(tmp_path):
    """A file of 100 MB is refused by its size, before its bytes are in memory."""
    file = tmp_path / "page.html"
    with file.open("wb") as out:
        out.truncate(100 << 20)
    with pytest.raises(EvidenceError, match=r"at most 2097152|104857600"):
        scrape(file)


# Over the network


@pytest.fixture
def site(public, stub, tmp_path):
    """Start a web server that presents the certificate of the simulated page's server; `.ca`
    vouches for it.
    """
    key = public.site_certificate(["127.0.0.1"])
    ca = tmp_path / "ca.pem"
    ca.write_bytes(public.site_ca_pem)

    def start(*answers, **more):
        found = stub(*answers, **{"chain": key.cert_pem + public.site_ca_pem + key.key_pem, **more})
        found.ca = ca
        return found

    return start


def test_https(running, public):
    """The simulated page over TLS, vouched for by its own authority, lists the CAS that answers."""
    found = scrape(running.page_url, cacert=running.page_ca)
    assert found.mrenclave(running.cas_addr) == public.mrenclave
    assert found.source == running.page_url and len(found.sha256) == 64


def test_the_assignments_old_address_says_where_the_page_went(running):
    """The unversioned address answers 404; the error names the status and the new place."""
    with pytest.raises(SourceError, match=r"HTTP status 404.*/latest/public-CAS/"):
        scrape(running.page_url.replace("/latest", ""), cacert=running.page_ca)


def test_wrong_authority(running, other, tmp_path):
    """A server under another authority is refused, whoever it is."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_bytes(other.site_ca_pem)
    with pytest.raises(
        SourceError, match=r"another CAS's certificates|does not vouch for|not trusted"
    ):
        scrape(running.page_url, cacert=wrong)


def test_unknown_authority(running):
    """Without its own authority the simulated page is not trusted."""
    with pytest.raises(SourceError, match="authority is not trusted here"):
        scrape(running.page_url)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a second loopback address")
def test_the_certificate_is_for_another_name(site, response):
    """A vouched-for certificate for another address is refused."""
    server = site(response(GOOD), host="127.0.0.2")
    with pytest.raises(SourceError, match="not for this host name"):
        scrape(server.url, cacert=server.ca)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        pytest.param("http://127.0.0.1:1/latest/public-CAS/", UsageError, id="plain HTTP"),
        pytest.param("ftp://example.invalid/", UsageError, id="FTP"),
        pytest.param("https:///x", UsageError, id="no host"),
        pytest.param("file:///etc/hostname", UsageError, id="file URL"),
        pytest.param("https://[::1/", CasnbError, id="bad address"),
        pytest.param("https://no-such-host.invalid/", SourceError, id="no such host"),
    ],
)
def test_refused_url(url, kind):
    """A URL that cannot give a trustworthy page is refused with one sentence."""
    with pytest.raises(kind) as caught:
        scrape(url)
    assert isinstance(caught.value, CasnbError) and len(str(caught.value)) < 500


def test_unreachable(closed_port):
    """A port where nothing listens: could not check."""
    with pytest.raises(SourceError, match="nothing listens there"):
        scrape(f"https://127.0.0.1:{closed_port}/")


def test_port_that_speaks_plain_http(site, response):
    """A server without TLS is named as such."""
    server = site(response(GOOD), tls=False)
    with pytest.raises(SourceError, match="plain HTTP"):
        scrape(server.url, cacert=server.ca)


def flood(sock):
    """Announce nothing and send 100 MB, or until the reader leaves."""
    sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for flood.sent in range(100):
        sock.sendall(b"x" * (1 << 20))


def test_100_MB_are_not_read_on(site):
    """The reader leaves soon after the limit; the server cannot send on."""
    server = site(flood)
    with pytest.raises(EvidenceError, match="not read on"):
        scrape(server.url, cacert=server.ca)
    assert flood.sent < 20


def test_100_MB_announced_are_not_begun(site, response):
    """A page that says how large it is, is refused by that."""
    server = site(response(GOOD, length=100 << 20))
    with pytest.raises(EvidenceError, match="not read on"):
        scrape(server.url, cacert=server.ca)


def drip(sock, head=b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"):
    """Send a byte now and then, until nobody reads on."""
    sock.sendall(head)
    for _ in range(1000):
        sock.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(
            lambda r: r(b"", "301 Moved", "Location: http://127.0.0.1:1/"),
            "redirect to http",
            id="redirect to plain HTTP",
        ),
        pytest.param(
            lambda r: r(b"", "302 Found", "Location: /again"),
            "more than 3 redirects",
            id="endless redirects",
        ),
        pytest.param(lambda r: r(b"", "302 Found"), "HTTP status 302", id="redirect to nowhere"),
        pytest.param(lambda r: r(GOOD, "500 Oops"), "HTTP status 500", id="500 with a good page"),
        pytest.param(lambda r: r(GOOD, "203 Other"), "HTTP status 203", id="203"),
        pytest.param(
            lambda r: r(GOOD, "200 OK", "Content-Encoding: gzip"),
            "compressed",
            id="compressed unasked",
        ),
        pytest.param(lambda r: b"SSH-2.0-OpenSSH\r\n", "not HTTP", id="not HTTP"),
        pytest.param(lambda r: r(GOOD, length=len(GOOD) + 9), "cut off", id="cut off"),
        pytest.param(lambda r: b"", "before it had answered", id="nothing"),
        pytest.param(lambda r: drip, "within", id="a byte of the page now and then"),
        pytest.param(
            lambda r: lambda sock: drip(sock, b"HTTP/1.1 200 OK\r\nX: "),
            "within",
            id="a byte of a header now and then",
        ),
    ],
)
def test_bad_answer(site, response, answer, told):
    """Whatever the server sends, it is one SourceError: nothing was decided."""
    server = site(answer(response))
    with pytest.raises(SourceError) as caught:
        scrape(server.url, cacert=server.ca, timeout=0.5 if told == "within" else 60)
    assert told in str(caught.value)


def test_the_file_that_vouches_is_gone(running, tmp_path):
    """A stopped simulator took it away: the file is named, before anything is sent."""
    with pytest.raises(SourceError, match=r"gone\.pem: got no such file.*Is it running"):
        scrape(running.page_url, cacert=tmp_path / "gone.pem")


def test_redirects_within_https_are_followed(site, response):
    """A page that moved is read where it is now, and that address is its source."""
    server = site(response(b"", "301 Moved", "Location: /there"), response(GOOD))
    found = scrape(server.url, cacert=server.ca)
    assert found.mrenclave("cas.example") == A and found.source == server.url + "there"


def test_proxies_of_the_environment_stand_aside_for_loopback(
    site, response, monkeypatch, closed_port
):
    """The local simulator is reached although a proxy and another CA bundle are configured."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ssl.get_default_verify_paths().cafile or "/none")
    server = site(response(GOOD))
    assert scrape(server.url, cacert=server.ca).mrenclave("cas.example") == A


@pytest.mark.parametrize("content", [None, b"", b"no PEM"], ids=["missing", "empty", "no PEM"])
def test_bad_authority_file(running, tmp_path, content):
    """A file of authorities that is none is one clear error."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CasnbError) as caught:
        scrape(running.page_url, cacert=Path(file))
    assert "missing, empty or not PEM" in str(caught.value) or str(file) in str(caught.value)
