"""What changed with each release of SCONE, as its public pages say, and which release a statement
of casnb is about.

Release pages bear no dates: `seen` is the first stored rendering of the page that names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One change: what it is about (evidence, service, CAS, command, language), what is different,
    what a reader does about it, and the page. `breaks` is something that worked before.
    """

    id: str
    about: str
    what: str
    do: str
    source: str
    breaks: bool = False


@dataclass(frozen=True)
class SconeRelease:
    """One release: its number, when its page was first seen, the session language it brought, its
    changes. A `preview` has no release page yet.
    """

    number: str
    seen: str
    language: str
    changes: tuple[Change, ...]
    preview: bool = False

    @property
    def name(self) -> str:
        """The number, and that it is a preview where it is one."""
        return f"{self.number} (preview)" if self.preview else self.number


_R = "releases/{}"

#: Oldest first.
RELEASES: Mapping[str, SconeRelease] = {
    r.number: r
    for r in (
        SconeRelease(
            "5.8.0",
            "2025-08-11",
            "0.3.10",
            (
                Change(
                    "report-v3",
                    "evidence",
                    "The report's additional data has a third form, which names the version of the"
                    " CAS; a report can be kept and judged later (--offline-report, --nonce).",
                    "Say which moment a saved report is judged for: --verification-time.",
                    _R.format("5.8"),
                ),
                Change(
                    "debug-mrsigner",
                    "command",
                    "--only_for_testing-debug goes together with --mrsigner as well. Before, it"
                    " needed --only_for_testing-ignore-signer.",
                    "Keep the signer: name it, in place of ignoring it.",
                    _R.format("5.8"),
                ),
                Change(
                    "signed-sessions",
                    "language",
                    "Signed and encrypted uploads, several signers, a signer as creator.",
                    "Read access_policy again where it says CREATOR.",
                    _R.format("5.8"),
                ),
                Change(
                    "template-escapes",
                    "command",
                    "In templates \\$ is a dollar sign, and a variable whose value is ~ becomes"
                    " null; argument files, retries, output into a file.",
                    'PREDECESSOR="~" creates, a hash updates: one file for both.',
                    _R.format("5.8"),
                ),
            ),
        ),
        SconeRelease(
            "5.9.0",
            "2025-08-11",
            "0.3.11",
            (
                Change(
                    "local-attestation",
                    "service",
                    "A CAS may attest a service on its own machine by local attestation: no quote,"
                    " no list of Intel's. It then trusts that its own machine is in order.",
                    "must_be_sgx_local and the word local-attestation-trust-cas-tcb say that you"
                    " know.",
                    _R.format("5.9"),
                ),
                Change(
                    "report-v4",
                    "evidence",
                    "A fourth form of the report's additional data carries the certificates of a"
                    " CAS's owner.",
                    "Whoever owns a CAS configures it: know who that is.",
                    _R.format("5.9"),
                ),
                Change(
                    "root-namespace",
                    "language",
                    "The name / is the root of all names, and namespace_hash pins the parent.",
                    "Claim it before any other session, or leave it sealed.",
                    _R.format("5.9"),
                ),
                Change(
                    "signed-answers",
                    "CAS",
                    "Answers are signed by the CAS as well; how, is not public.",
                    "TLS with the attested certificates stays what you rely on.",
                    _R.format("5.9"),
                ),
            ),
        ),
        SconeRelease(
            "5.10.0",
            "2025-08-11",
            "0.3.12",
            (
                Change(
                    "salt",
                    "language",
                    "A salted session's hash is public: it stands in the audit log, and needs no"
                    " right to be read.",
                    "Write salt into the first version only.",
                    _R.format("5.10"),
                ),
                Change(
                    "listing",
                    "CAS",
                    "Sessions can be listed (list_sessions), health can be asked for.",
                    "Without the member those may list who may read.",
                    _R.format("5.10"),
                ),
            ),
        ),
        SconeRelease(
            "6.0.0",
            "2025-08-11",
            "0.3.12",
            (
                Change(
                    "dcap-v4",
                    "service",
                    "The CAS asks Intel through DCAP API v4, which delivers advisory ids; v3 was"
                    " silent about them. A session that names no ignore_advisories passed before,"
                    " and is most likely refused now. scone cas attest stays green: it does not"
                    " reject for an advisory by itself.",
                    "Read the advisories of your machines, mend what can be mended, and list the"
                    " rest in ignore_advisories, each by its id and with its word under tolerate.",
                    _R.format("6.0"),
                    breaks=True,
                ),
                Change(
                    "vault",
                    "language",
                    "Secrets kept in HashiCorp's Vault are no longer offered.",
                    "secret_config knows !cas and !akv.",
                    _R.format("6.0"),
                    breaks=True,
                ),
            ),
        ),
        SconeRelease(
            "6.0.7",
            "2026-05-27",
            "0.3.12",
            (
                Change(
                    "no-colours",
                    "command",
                    "From 6.0.3 on the CLI's output has no ANSI colours.",
                    "Scripts for older ones strip them.",
                    _R.format("6.0"),
                ),
                Change(
                    "las-tcb-state",
                    "command",
                    "scone las show-tcb-state says how a machine's firmware stands, with its"
                    " advisories, before any service is started there (--json summary).",
                    "Ask it before a session's ignore_advisories is written.",
                    "CAS_cli",
                ),
            ),
        ),
        SconeRelease(
            "7.0",
            "2026-03-24",
            "0.3.12",
            (
                Change(
                    "dcap-alone",
                    "evidence",
                    "EPID is gone, and with it Intel's attestation service (IAS) and its statuses"
                    " in capitals: DCAP quotes are the only evidence of a CAS. What has to be"
                    " checked is the quote with Intel's lists, by yourself.",
                    "Statuses read OutOfDate, not GROUP_OUT_OF_DATE; the flags stay the same.",
                    "7.0, pages on platforms and attestation",
                    breaks=True,
                ),
                Change(
                    "no-scone-qe",
                    "service",
                    "SCONE's own quoting enclave is gone. platforms lists INTEL_QE_ID: and 32 hex"
                    " digits; the 64 digits of a SCONE quoting enclave name nothing any more.",
                    "Write the new ids; trusted_scone_qe_pubkeys has no use.",
                    "CAS_session_lang_0_3#platform-based-attestation (7.0)",
                    breaks=True,
                ),
                Change(
                    "jwt",
                    "language",
                    "A secret of kind jwt is a token that the CAS signs.",
                    "Mind who holds the public key.",
                    "CAS_session_lang_0_3 (7.0)",
                ),
                Change(
                    "self-provisioned",
                    "CAS",
                    "A CAS can take its owner's configuration from a file in its image. Attestation"
                    " and provisioning are then two things: whoever is in between shows you a CAS"
                    " that was provisioned before, by them, and every check is green.",
                    "Provision with the CLI, which does both at once, or pin the instance:"
                    " --cas-key-hash.",
                    "self-provisioned-cas",
                ),
            ),
            preview=True,
        ),
    )
}

#: The release whose options casnb's `scone` takes, and whose number `scone --version` ends with.
#: Not the preview: wrappers expect other exit codes of that.
SPOKEN = next(r for r in reversed(tuple(RELEASES.values())) if not r.preview)

#: Option or flag of `scone cas attest` to the pages that first have it.
SINCE: Mapping[str, str] = {
    "--mrenclave": "pages of March 2021 (before, the word after the address)",
    "--accept-sw-hardening-needed": "pages of March 2021",
    "--mrsigner": "pages of November 2020",
    "--isvprodid": "pages of November 2020",
    "--isvsvn": "pages of November 2020",
    "--cas-key-hash": "pages of November 2020",
    "--cas-software-key-hash": "pages of November 2020",
    "--allow-cas-owner-secret-access": "pages of November 2020",
    "--only_for_testing-debug": "pages of November 2020 (before, -d)",
    "--only_for_testing-ignore-signer": "pages of November 2020",
    "--only_for_testing-trust-any": "pages of November 2020",
    "--offline-report": "SCONE 5.8",
    "--nonce": "SCONE 5.8",
    "--retries": "SCONE 5.8",
    "--verification-time": "SCONE 5.8",
    "--only_for_testing_allow-unprovisioned-cas": "SCONE 5.8",
    "--ignore-advisories": "no help text; public code of 2026 uses it",
    "--fail-on-any-advisory": "no help text; public code of 2026 uses it",
    "--accept-revoked-pcs-certs": "SCONE 7.0, by public code of 2026",
    "--accept-unverifiable-pcs-certs": "SCONE 7.0, by public code of 2026",
}


def since(name: str) -> str:
    """Return the note that says since when an option is there; empty for one that always was, or
    that is casnb's own.
    """
    text = SINCE.get(name, "")
    return text and (f"Release: {text}." if text.startswith("no ") else f"Since {text}.")
