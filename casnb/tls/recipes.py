"""Recipes: how usual tools read a public value over TLS that is pinned to the attested
certificates; their text is data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from casnb.base.errors import UsageError, neutral
from casnb.base.view import Shown

#: What the recipes print a value of, and where the documentation says the CAS is.
TARGET = "/v1/values/session=example_session,secret=example_value"
EXAMPLE_HOST, EXAMPLE_PORT = "scone-cas.cf", 8081

_CONTEXT = """\
context = ssl.create_default_context(cafile="cas_cert.crt")  # these two authorities and no other
context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python 3.13: a CAS chain has no key usage
"""


@dataclass(frozen=True)
class Recipe(Shown):
    """One tool's way: `language` is `sh` or `python`, `template` the text with %HOST% and %PORT%
    for where the CAS listens.

    It expects `cas_cert.crt`, as `scone cas show-certificate` writes it, in the folder it runs
    in, and prints the CAS's answer.
    """

    tool: str
    language: str
    template: str
    why: tuple[str, ...]

    def text(self, host: str = EXAMPLE_HOST, port: int = EXAMPLE_PORT) -> str:
        """Return what to type for a CAS at `host` and `port`; raise UsageError for a host that
        is not a plain name or address.
        """
        if not host or not all(c.isalnum() or c in ".-_" for c in host):
            raise UsageError("recipe: host", got=host, wanted="a host name or an IPv4 address")
        return (
            self.template.replace("%HOST%", host)
            .replace("%PORT%", str(port))
            .replace("%TARGET%", TARGET)
        )

    def __repr__(self) -> str:
        return f"<Recipe {self.tool}>"

    def __str__(self) -> str:
        return self.text() + "\n" + "\n".join(f"- {w}" for w in self.why)

    def _html(self) -> str:
        items = "".join(f"<li>{escape(neutral(w))}</li>" for w in self.why)
        return f"<pre>{escape(self.text())}</pre><ul>{items}</ul>"


RECIPES: Mapping[str, Recipe] = {
    r.tool: r
    for r in (
        Recipe(
            "curl",
            "sh",
            """\
curl --silent --show-error --fail --noproxy '*' \\
  --cacert cas_cert.crt --capath /dev/null \\
  --connect-to cas:8081:%HOST%:%PORT% \\
  https://cas:8081%TARGET%
""",
            (
                (
                    "--connect-to says where the CAS listens; the URL says which name its"
                    " certificate must have"
                ),
                (
                    "--capath /dev/null: on some systems --cacert adds to the system's authorities,"
                    " and does not replace them"
                ),
                "never -k: it works with anybody who answers",
            ),
        ),
        Recipe(
            "openssl",
            "sh",
            """\
printf 'GET %TARGET% HTTP/1.1\\r\\nHost: cas\\r\\nConnection: close\\r\\n\\r\\n' |
  openssl s_client -quiet -connect %HOST%:%PORT% -servername cas -verify_hostname cas \\
    -CAfile cas_cert.crt -no-CApath -no-CAstore -verify_return_error
""",
            (
                (
                    "without -verify_return_error s_client prints the error and goes on, as curl -k"
                    " does"
                ),
                "without -verify_hostname it does not look at the name",
                (
                    "-CAfile adds to the system's authorities; -no-CApath and -no-CAstore (OpenSSL"
                    " 3) leave those out"
                ),
            ),
        ),
        Recipe(
            "requests",
            "python",
            f"""\
import ssl
import requests
from requests.adapters import HTTPAdapter

{_CONTEXT}
class Pinned(HTTPAdapter):
    def init_poolmanager(self, *args, **kwargs):
        kwargs |= {{"ssl_context": context, "server_hostname": "cas", "assert_hostname": "cas"}}
        super().init_poolmanager(*args, **kwargs)

session = requests.Session()
session.trust_env = False  # or REQUESTS_CA_BUNDLE and proxies win over what is said here
session.verify = "cas_cert.crt"  # or requests adds its own authorities to the context
session.mount("https://", Pinned())
answer = session.get("https://%HOST%:%PORT%%TARGET%", timeout=10)
answer.raise_for_status()
print(answer.text)
""",
            (
                (
                    "the URL says where to connect; the adapter says which name the certificate"
                    " must have"
                ),
                (
                    "requests.get(url, verify='cas_cert.crt') alone fails on the name, and from"
                    " Python 3.13 on before that on key usage"
                ),
            ),
        ),
        Recipe(
            "httpx",
            "python",
            f"""\
import ssl
import httpx

{_CONTEXT}
with httpx.Client(verify=context, trust_env=False, timeout=10) as client:
    answer = client.get("https://%HOST%:%PORT%%TARGET%", extensions={{"sni_hostname": "cas"}})
answer.raise_for_status()
print(answer.text)
""",
            (
                "sni_hostname is the name that is sent and that the certificate must have",
                "trust_env=False: no proxy, no SSL_CERT_FILE of the environment",
            ),
        ),
        Recipe(
            "urllib",
            "python",
            f"""\
import http.client
import socket
import ssl
import urllib.request

{_CONTEXT}
class Elsewhere(http.client.HTTPSConnection):
    def connect(self):
        raw = socket.create_connection(("%HOST%", %PORT%), self.timeout)
        self.sock = context.wrap_socket(raw, server_hostname=self.host)

class Handler(urllib.request.HTTPSHandler):
    def https_open(self, request):
        return self.do_open(Elsewhere, request)

opener = urllib.request.build_opener(urllib.request.ProxyHandler({{}}), Handler())
with opener.open("https://cas:8081%TARGET%", timeout=10) as answer:
    print(answer.read().decode())
""",
            (
                (
                    "the standard library's own --connect-to: the URL keeps the name, the"
                    " connection goes elsewhere"
                ),
                "ProxyHandler({}) leaves out proxies of the environment",
            ),
        ),
    )
}


def recipe(tool: str) -> Recipe:
    """Return the recipe for a tool, or raise UsageError that lists those there are."""
    if tool not in RECIPES:
        raise UsageError("recipe", got=tool, wanted="one of " + ", ".join(RECIPES))
    return RECIPES[tool]
