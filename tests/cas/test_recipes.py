"""Recipes: the texts of the documentation, run as they stand, read the value of the right CAS
and of no other.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from casnb.base.errors import UsageError
from casnb.teach.gallery.mishaps import Mishaps
from casnb.tls.recipes import EXAMPLE_HOST, RECIPES, TARGET, recipe
from casnb.tls.tls_errors import explain_tls_error

#: What Python 3.13's own default does, so that it is tried with every Python.
STRICT = """
import ssl
_made = ssl.create_default_context
def _strict(*args, **kwargs):
    context = _made(*args, **kwargs)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context
ssl.create_default_context = _strict
"""

pytestmark = pytest.mark.scripts
each_recipe = pytest.mark.parametrize("tool", RECIPES)


@pytest.fixture(scope="module")
def mishaps(public, running):
    with Mishaps(public, running.host) as found:
        yield found


@pytest.fixture
def cook(tmp_path, public, monkeypatch):
    """Run a text in a folder with the attested certificates, in an environment whose proxies and
    authorities lead elsewhere.
    """
    (tmp_path / "cas_cert.crt").write_bytes(public.cas_chain_pem)
    (tmp_path / "page.crt").write_bytes(public.site_ca_pem)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "page.crt"))

    def run(tool: str, text: str) -> subprocess.CompletedProcess:
        made = recipe(tool)
        if made.language == "sh" and not shutil.which(tool):
            pytest.skip(f"no {tool}")
        words = ["sh", "-c", text] if made.language == "sh" else [sys.executable, "-c", text]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    return run


def value(done: subprocess.CompletedProcess) -> dict:
    return json.loads(done.stdout[done.stdout.index("{") :])


@each_recipe
def test_reads_the_value(cook, running, tool):
    """Whatever proxies and authorities the environment names, the recipe reads the value from the
    attested CAS.
    """
    done = cook(tool, recipe(tool).text(running.host, running.cas_port))
    assert done.returncode == 0, done.stderr
    held = running.world.example_value
    assert value(done) == {"kind": "string", "value": held, "expires": None, "renew": None}


@each_recipe
@pytest.mark.parametrize(
    ("kind", "means"),
    [
        ("foreign", "wrong-key"),
        ("expired", "expired"),
        ("self-made", "self-signed"),
        ("plain", "plain"),
    ],
)
def test_refuses_everybody_else(cook, mishaps, tool, kind, means):
    """Another CAS, an expired or self-made certificate, plain HTTP: nothing is printed, and the
    message is one casnb explains.
    """
    done = cook(tool, recipe(tool).text(mishaps.host, mishaps.port(kind)))
    assert done.returncode != 0 and "value" not in done.stdout
    assert explain_tls_error(done.stderr).diagnosis.id == means


@each_recipe
def test_refuses_a_server_that_a_public_authority_vouches_for(
    cook, public, running, tmp_path, tool
):
    """A certificate for the name `cas` from an authority of the environment is not the CAS's:
    the pin is exclusive.
    """
    from cryptography import x509

    from casnb.simulator.keys import certificate
    from casnb.simulator.server.listener import TlsServer
    from casnb.simulator.server.tls_context import tls_context

    names = x509.SubjectAlternativeName([x509.DNSName("cas")])
    leaf = public.site_certificate()
    valid = (leaf.cert.not_valid_before_utc, leaf.cert.not_valid_after_utc)
    made = certificate(leaf.cert.subject, leaf.key, public.site_ca, 9, valid, [(names, False)])
    server = TlsServer(
        running.host,
        0,
        lambda environ, start: start("200 OK", []) or [b'{"value": "1337"}'],
        tls_context(made.cert_pem + public.site_ca_pem, made.key, ask_client=False),
    )
    server.start_serving()
    try:
        done = cook(tool, recipe(tool).text(running.host, server.port))
    finally:
        server.stop()
    assert done.returncode != 0 and "1337" not in done.stdout
    assert explain_tls_error(done.stderr).diagnosis.id == "unknown-issuer"


@pytest.mark.parametrize("tool", [t for t, r in RECIPES.items() if r.language == "python"])
def test_python_3_13(cook, running, tool):
    """Under the stricter rules of Python 3.13 the recipe works, and without its one line about
    them it is refused for them.
    """
    text = STRICT + recipe(tool).text(running.host, running.cas_port)
    assert value(cook(tool, text))["value"] == running.world.example_value
    without = "\n".join(
        line for line in text.splitlines() if not line.startswith("context.verify_flags")
    )
    done = cook(tool, without)
    assert done.returncode != 0 and explain_tls_error(done.stderr).diagnosis.id == "strict"


@each_recipe
def test_shown_as_it_is_run(tool):
    """What a notebook shows is the text itself, with the documentation's address in it, each
    with its reasons.
    """
    shown = recipe(tool)._repr_mimebundle_()
    assert (
        recipe(tool).text() in shown["text/plain"]
        and EXAMPLE_HOST in recipe(tool).text()
        and TARGET in recipe(tool).text()
    )
    assert all(w in shown["text/plain"] for w in recipe(tool).why) and len(recipe(tool).why) >= 2
    assert "%" not in recipe(tool).text()


@pytest.mark.parametrize("host", ["", "a b", "x;rm", "$(x)", "a'b", 'a"b'])
def test_a_host_that_is_none(host):
    """Nothing but a host name gets into a text that is run."""
    with pytest.raises(UsageError):
        recipe("curl").text(host)


def test_unknown_recipe():
    """An unknown tool is a misuse that lists the known ones."""
    with pytest.raises(UsageError, match="httpx"):
        recipe("telnet")
