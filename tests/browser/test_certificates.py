"""Chain, gallery, explanations and a measured image in a real JupyterLab: hostile names stay
text, nothing is fetched.
"""

from __future__ import annotations

import nbformat

CODE = """\
from dataclasses import replace
from datetime import datetime, timezone
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from casnb import AttestationPolicy, explain_tls_error
from casnb.tls.cas_chain import CasChain
from casnb.evidence.cas_report import CasReport
from casnb.simulator.cas_image import build_image
from casnb.simulator.keys import certificate
from casnb.teach.chain import chain_of
from casnb.teach.gallery.gallery import Exhibit, Gallery
from casnb.teach.gallery.tools import Outcome
from casnb.teach.gallery.mistakes import Mistake
from casnb.teach.lab import start
from casnb.measure.measurer import measure
EVIL = ("\\u202e\\x1b[31m</text></td><script>window.owned=1</script>"
        "<img src=x onerror='window.owned=1'>")
lab = start("04")
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, EVIL[:60])])
valid = (datetime(2020, 1, 1, tzinfo=timezone.utc), datetime(4096, 1, 1, tzinfo=timezone.utc))
made = certificate(name, ec.generate_private_key(ec.SECP256R1()), lab.world.cas_root, 5, valid,
                   [(x509.BasicConstraints(True, None), True)])
names = x509.SubjectAlternativeName([x509.DNSName("<img src=x onerror='window.owned=1'>")])
leaf = certificate(name, ec.generate_private_key(ec.SECP256R1()), made, 6, valid, [(names, False)])
pem = (made.cert_pem + lab.world.cas_root.cert_pem).decode()
old = lab.facts.report
report = CasReport.build({**old.proof_data, "request_id": EVIL},
                         {**old.additional_data, "cert_chain": pem})
hostile = chain_of(report, roots=EVIL, leaf=leaf.cert.public_bytes(Encoding.DER))
three = AttestationPolicy(mrenclaves=(lab.world.mrenclave,)).with_flags(
    "-G", "--only_for_testing-ignore-signer", "--only_for_testing-debug")
"""
VIEWS = (
    "lab.chain(three)",
    "hostile",
    "CasChain.from_pem(pem)",
    "explain_tls_error(EVIL + ' certificate has expired')",
    (
        "Gallery((Exhibit(Mistake('x', EVIL), (Outcome('curl', False, EVIL), Outcome('ssl', True,"
        " '', EVIL, None, True))),))"
    ),
    "measure(build_image(replace(lab.world.enclave, version=EVIL), lab.world.enclave))",
)
GALLERY = 4


def test_views_in_both_themes(jupyterlab, open_notebook, screenshots, axe):
    """Every view is shown, no name in a certificate or message runs, axe finds nothing wrong, in
    light and in dark.
    """
    cells = [nbformat.v4.new_code_cell(source) for source in (CODE, *VIEWS)]
    nbformat.write(
        nbformat.v4.new_notebook(
            cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        ),
        jupyterlab.folder / "certificates.ipynb",
    )
    book = open_notebook("certificates.ipynb")
    book.run_all()
    shown = book.panel.locator(".jp-OutputArea-output .casnb")
    shown.nth(len(VIEWS) - 1).wait_for()
    pictures = book.panel.locator("svg[role=img]")
    assert (
        pictures.count() == 2
        and "WAIVED between IAS report and SGX report" in pictures.first.get_attribute("aria-label")
    )
    assert (
        pictures.first.locator("[data-check=debug][data-status=waived]")
        .inner_html()
        .count("WAIVED")
        == 1
    )
    assert book.page.evaluate("window.owned === undefined")
    assert book.panel.locator(".casnb script, .casnb img").count() == 0
    assert all("<script>" in shown.nth(n).inner_text() for n in (1, GALLERY, len(VIEWS) - 1))
    assert not set("".join(shown.all_inner_texts())) & {"\x1b", "\N{RIGHT-TO-LEFT OVERRIDE}"}
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        book.theme(theme)
        for n in range(len(VIEWS)):
            shown.nth(n).screenshot(
                path=screenshots / f"certificates-{theme.split()[1].lower()}-{n}.png"
            )
        assert book.violations(axe) == []
    assert book.errors == [] and book.foreign == []
