"""Why a connection failed: every usual mistake, as the tools really word it, becomes its cause
and cure.
"""

from __future__ import annotations

import socket
import ssl
import urllib.request
from datetime import datetime, timezone

import httpx
import pytest
import requests
from cryptography import x509

from casnb.base.errors import CasnbError
from casnb.simulator.keys import certificate
from casnb.tls.diagnoses import BY_CODE, DIAGNOSES
from casnb.tls.exchange import exchange
from casnb.tls.tls_errors import explain_tls_error

DATES = (datetime(2020, 1, 1, tzinfo=timezone.utc), datetime(4096, 1, 1, tzinfo=timezone.utc))


def told_of(problem) -> str:
    """Cause and cure, as one text."""
    found = explain_tls_error(problem)
    return f"{found.cause}. {found.cure}"


def handshake(server, cafile=None, name="cas", strict=False, context=None):
    """Connect as a careful client would, and return the error."""
    if context is None:
        context = ssl.create_default_context(cafile=cafile)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.verify_flags |= ssl.VERIFY_X509_STRICT if strict else 0
    try:
        with (
            socket.create_connection((server.host, server.port), 3) as raw,
            context.wrap_socket(raw, server_hostname=name),
        ):
            pass
    except Exception as exc:
        return exc
    raise AssertionError("the handshake succeeded")


@pytest.fixture
def ca(tmp_path, public):
    """Write certificates into a file; by default those of the CAS."""

    def write(pem=public.cas_chain_pem):
        file = tmp_path / "given.pem"
        file.write_bytes(pem)
        return str(file)

    return write


@pytest.mark.parametrize(
    ("fail", "told"),
    [
        pytest.param(
            lambda s, ca, w, o: handshake(s(b""), ca(o.cas_chain_pem)),
            "another CAS's certificates",
            id="another CAS's file",
        ),
        pytest.param(
            lambda s, ca, w, o: handshake(s(b""), ca(), name="scone-cas.cf"),
            "--connect-to",
            id="another name",
        ),
        pytest.param(
            lambda s, ca, w, o: handshake(s(b""), ca(), name="127.0.0.1"),
            "--connect-to",
            id="an address for a name",
        ),
        pytest.param(
            lambda s, ca, w, o: handshake(s(b"")),
            "not among the certificates that were given",
            id="no file",
        ),
        pytest.param(
            lambda s, ca, w, o: handshake(s(b""), ca(w.site_ca_pem)),
            "not among the certificates",
            id="the page's file",
        ),
        pytest.param(
            lambda s, ca, w, o: handshake(
                s(b"", chain=w.tls_leaf.cert_pem + w.tls_leaf.key_pem), ca(w.site_ca_pem)
            ),
            "not among the certificates",
            id="the page's file, leaf alone",
        ),
        pytest.param(
            lambda s, ca, w, o: handshake(s(b""), ca(), strict=True),
            "VERIFY_X509_STRICT",
            id="strict rules",
        ),
        pytest.param(
            lambda s, ca, w, o: handshake(s(b"hello", tls=False), ca()),
            "plain HTTP",
            id="plain text",
        ),
        pytest.param(
            lambda s, ca, w, o: handshake(s(b"HTTP/1.1 400 Bad\r\n\r\n", tls=False), ca()),
            "plain HTTP",
            id="plain HTTP",
        ),
        pytest.param(
            lambda s, ca, w, o: handshake(s(b"", tls=False), ca()),
            "closed the connection",
            id="closed",
        ),
    ],
)
def test_real_failure(stub, ca, public, other, fail, told):
    """What Python's own ssl says of each usual mistake is turned into its cause and cure."""
    assert told in told_of(fail(stub, ca, public, other))


@pytest.mark.parametrize(
    ("years", "told"), [((2001, 2002), "has expired"), ((4000, 4001), "clock right")]
)
def test_real_failure_of_dates(stub, ca, public, years, told):
    """Certificates out of their time, as ssl names them."""
    window = tuple(datetime(y, 1, 1, tzinfo=timezone.utc) for y in years)
    names = x509.SubjectAlternativeName([x509.DNSName("cas")])
    leaf = certificate(
        public.tls_leaf.cert.subject,
        public.tls_leaf.key,
        public.cas_instance,
        9,
        window,
        [(names, False)],
    )
    server = stub(b"", chain=leaf.cert_pem + public.cas_chain_pem + leaf.key_pem)
    assert told in told_of(handshake(server, ca()))


def test_a_self_made_certificate(stub, ca, public):
    """Somebody else who answers with a certificate of their own is called that."""
    own = certificate(public.tls_leaf.cert.subject, public.tls_leaf.key, None, 5, DATES, [])
    server = stub(b"", chain=own.cert_pem + own.key_pem)
    assert "Somebody else may be answering" in told_of(handshake(server, ca()))


def get_requests(url, context, cafile):
    requests.get(url, verify=cafile or True, timeout=20)


def get_httpx(url, context, cafile):
    with httpx.Client(verify=context, timeout=20, trust_env=False) as client:
        client.get(url)


def get_urllib(url, context, cafile):
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    opener.open(url, timeout=20).close()


@pytest.mark.parametrize(
    "get", [get_requests, get_httpx, get_urllib], ids=["requests", "httpx", "urllib"]
)
@pytest.mark.parametrize(
    "kind", ["unknown-issuer", "name", "plain", "refused", "no-host", "not-http"]
)
def test_wrapped(running, public, stub, ca, closed_port, monkeypatch, get, kind):
    """requests, httpx and urllib wrap the same causes, up to three deep; they are found."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    stranger = kind == "unknown-issuer"
    file = ca(public.site_ca_pem) if stranger else ca()
    context = ssl.create_default_context(cafile=file)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    noise = stub(b"noise\r\n\r\n")
    ask, other = socket.getaddrinfo, "cas.elsewhere"
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: ask(
            running.host if host in (other, other.encode()) else host, *rest, **more
        ),
    )
    where = {
        "refused": f"127.0.0.1:{closed_port}",
        "no-host": "no-such-host.invalid",
        "name": f"{other}:{running.cas_port}",
    }.get(kind) or (
        stub(b"HTTP/1.1 400 no\r\n\r\n", tls=False).address
        if kind == "plain"
        else (
            f"localhost:{noise.port}"
            if kind == "not-http"
            else f"{running.host}:{running.cas_port}"
        )
    )
    with pytest.raises(Exception) as caught:
        get(f"https://{where}/", context, file)
    found = explain_tls_error(caught.value)
    if (
        get is get_requests
        and kind in ("name", "not-http")
        and found.diagnosis is DIAGNOSES["strict"]
    ):
        # requests cannot leave Python 3.13's stricter rules out; the recipes show how it can.
        return
    assert found.diagnosis is DIAGNOSES[kind], caught.value


@pytest.mark.parametrize("content", [None, b"", b"no PEM"], ids=["missing", "empty", "no PEM"])
def test_a_bad_file(tmp_path, content):
    """A file of certificates that is none: the command that wrote it probably failed."""
    file = tmp_path / "cas_cert.crt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises((OSError, ssl.SSLError)) as caught:
        ssl.create_default_context(cafile=str(file))
    assert "missing, empty or not PEM" in told_of(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "curl: (35) error:0DFFF006:asn1 encoding routines:CRYPTO_internal:EVP lib",
            "another CAS's certificates",
        ),
        (
            "curl: (60) SSL certificate problem: unable to get local issuer certificate",
            "--cacert cas_cert.crt",
        ),
        (
            (
                "curl: (60) SSL: no alternative certificate subject name matches target host name"
                " 'scone-cas.cf'"
            ),
            "--connect-to",
        ),
        ("curl: (60) SSL certificate problem: certificate has expired", "Attest the CAS again"),
        (
            "curl: (77) error setting certificate verify locations:  CAfile: cas_cert.crt",
            "missing, empty or not PEM",
        ),
        (
            "curl: (35) error:1408F10B:SSL routines:ssl3_get_record:wrong version number",
            "plain HTTP",
        ),
        ("curl: (28) Connection timed out after 5000 milliseconds", "firewall"),
        (
            "curl: (7) Failed to connect to 127.0.0.1 port 8081: Connection refused",
            "nothing listens there",
        ),
        ("curl: (6) Could not resolve host: scone-cas.cf", "no such host name"),
        ("error 7 at 1 depth lookup: certificate signature failure", "another CAS's certificates"),
        (
            "certificate verify failed: CA cert does not include key usage extension",
            "VERIFY_X509_STRICT",
        ),
        ("Missing Authority Key Identifier", "VERIFY_X509_STRICT"),
    ],
)
def test_messages_of_other_tools(text, told):
    """What curl, openssl and Python print is explained from the message alone."""
    assert told in told_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "something new",
        "",
        "\x1b[31m\n" + "x" * 5000,
        "Verify return code: 0 (ok)",
        "error 404: no page",
        "X509v3 Subject Key Identifier: 4D:AC",
        "curl: (35) TLS connect error",
    ],
)
def test_unknown_failure(text):
    """What it does not know it says it does not know, and what to try; the message is repeated,
    neutralised and bounded.
    """
    found = explain_tls_error(text)
    assert not found.known and found.cure == "" and found.cause.startswith("TLS failed: ")
    assert found.message.isprintable() and len(found.message) <= 240
    assert "will not guess" in str(found) and "openssl s_client" in str(found)
    assert found.to_json()["diagnosis"] is None and len(found.to_json()["try"]) == 3


def test_causes_that_go_in_circles():
    """Exceptions that cause one another are looked through once."""
    first, second = ValueError("a"), OSError("certificate has expired")
    first.__cause__, second.__cause__ = second, first
    assert explain_tls_error(first).diagnosis.id == "expired"


def test_an_exception_that_cannot_say_what_it_is():
    """An exception whose text fails is named, and nothing else breaks."""

    class Broken(Exception):
        def __str__(self):
            raise RuntimeError("no")

    assert explain_tls_error(Broken()).message == "Broken"


def test_verification_that_is_switched_off(running, monkeypatch):
    """`-k` and its like work, so there is no error; the command, or urllib3's warning, is called
    the dangerous one.
    """
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.warns(Warning, match="Unverified") as seen:
        assert requests.get(
            f"https://{running.host}:{running.cas_port}/v1/values/session=example_session",
            verify=False,
            timeout=20,
        ).ok
    for problem in (
        seen[0].message,
        "curl -sSk https://cas:8081/",
        "requests.get(url, verify=False)",
        "curl --insecure https://x",
    ):
        found = explain_tls_error(problem)
        assert (
            found.diagnosis.id == "unverified"
            and "anybody who answers" in found.cause
            and "the dangerous one" in str(found)
        )
    assert not explain_tls_error("curl --keepalive https://x; ls -k").known


OLD_CURL = """curl: (60) SSL certificate problem: unable to get local issuer certificate
More details here: https://curl.haxx.se/docs/sslcerts.html
If you'd like to turn off curl's verification of the certificate, use
 the -k (or --insecure) option.
"""


@pytest.mark.parametrize(
    ("text", "id"),
    [
        pytest.param(OLD_CURL, "unknown-issuer", id="old curl advises -k"),
        pytest.param(
            "CONNECTED(00000003)\nverify error:num=62:X\nVerify return code: 62 (X)",
            "name",
            id="a number in any language",
        ),
        pytest.param(
            "error 2 at 1 depth lookup: unable to get issuer certificate",
            "incomplete",
            id="openssl verify",
        ),
        pytest.param(
            "curl: (56) OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate"
            " required, errno 0",
            "client-certificate",
            id="an alert, and not only cut off",
        ),
        pytest.param(
            "(Caused by ProxyError('Unable to connect to proxy', OSError('Tunnel connection failed:"
            " 403 Forbidden')))",
            "proxy",
            id="a proxy, and not the CAS",
        ),
        pytest.param(
            "Verification error: certificate signature\n failure",
            "wrong-key",
            id="folded by a terminal",
        ),
        pytest.param(
            'x509: certificate signed by unknown authority (possibly because of "x509: ECDSA'
            ' verification failure" while trying to verify candidate authority certificate "cas")',
            "wrong-key",
            id="two causes, the closer one",
        ),
        pytest.param(
            "{\"msg\": [\"Failed to read value 'example_value' of '/session=x' requested by a"
            ' public client", "Secret does not exist or is not visible for a public client"]}',
            "not-visible",
            id="an answer of the CAS",
        ),
    ],
)
def test_order_of_the_table(text, id):
    """Where several rows fit, the most telling one counts."""
    assert explain_tls_error(text).diagnosis.id == id


WORDINGS = [
    pytest.param(d, w, id=f"{d.id}: {w.sample[:40]}")
    for d in DIAGNOSES.values()
    for w in d.wordings
]


@pytest.mark.parametrize(("diagnosis", "wording"), WORDINGS)
def test_every_sample_is_recognised(diagnosis, wording):
    """Each wording of the table leads to its own row, and to no earlier one."""
    assert explain_tls_error(f"tool: {wording.sample} (more)").diagnosis is diagnosis


def test_curls_progress_is_no_part_of_its_message():
    """Piped without -s, the message follows the last line of the meter on the same line."""
    meter = (
        "  % Total    % Received\n  0     0    0     0    0     0      0      0 --:--:-- --:--:--"
        " --:--:--     0"
    )
    for said in (
        "curl: (6) Could not resolve host: cas",
        "curl: (60) SSL certificate problem: certificate has expired",
    ):
        assert explain_tls_error(meter + said + "\nMore details here").message == said


def test_the_table_is_whole():
    """No cell is empty, each number means one thing, causes and cures are no sentences yet."""
    assert list(DIAGNOSES) == [d.id for d in DIAGNOSES.values()]
    assert sum(len(d.codes) for d in DIAGNOSES.values()) == len(BY_CODE)
    for d in DIAGNOSES.values():
        assert d.title and d.cause and d.cure and d.protects and d.wordings
        assert not d.cause.endswith(".") and not d.cure.endswith(".")


def test_hostile_message_in_a_notebook():
    """A message is shown as text, whatever it holds."""
    found = explain_tls_error(
        "<img src=x onerror=alert(1)>\x1b[2J certificate has expired\N{RIGHT-TO-LEFT OVERRIDE}"
    )
    html = found._repr_mimebundle_()["text/html"]
    assert "<img" not in html and "&lt;img" in html and found.diagnosis.id == "expired"
    for text in (html, str(found), repr(found)):
        assert not {"\x1b", "\N{RIGHT-TO-LEFT OVERRIDE}"} & set(text)


@pytest.mark.parametrize(
    "text",
    ["x" * 10**6, "error " * 200_000, "curl " * 200_000, "certificate is valid for " * 40_000],
    ids=["long", "numbers", "commands", "names"],
)
def test_a_long_message_is_bounded(text):
    """A megabyte of anything ends with an answer, and a short one."""
    assert len(str(explain_tls_error(text))) < 1200


def test_our_own_exchange_says_it_too(stub, public, other):
    """The exchange that every call to a CAS goes through names the same causes."""
    context = ssl.create_default_context(cadata=other.cas_chain_pem.decode())
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    server = stub(b"")
    with pytest.raises(CasnbError, match="another CAS's certificates"):
        exchange(server.host, server.port, "/", context=context, tls_name="cas", timeout=20)
