"""The catalogue of checks: what is always true of each, whatever it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from casnb.base.errors import UsageError


@dataclass(frozen=True)
class CheckSpec:
    """What is always true of a check: its title, the specification it comes from, the attack it
    stops, what it compares. `short` is its name where columns are narrow, at most five letters.
    """

    id: str
    title: str
    source: str
    attack: str
    compares: str
    short: str = ""


_DCAP = "Intel SGX ECDSA QuoteLibReference"
_PCS = "Intel PCS API v4"
_IAS = "Intel IAS API v4"
_SDM = "Intel SDM vol. 3D"
_CAS = "SCONE CAS /v1/attest"
_OWN = "casnb's own policy"

#: Every check there is, in the order in which results list them.
CATALOGUE: Mapping[str, CheckSpec] = {
    spec.id: spec
    for spec in (
        CheckSpec(
            "quote-format",
            "the quote is well formed",
            f"{_DCAP}, A.4",
            "bytes that two readers understand differently",
            "version, key type, QE vendor, lengths, INIT and reserved bits with what the format"
            " allows",
        ),
        CheckSpec(
            "pck-chain",
            "PCK certificate chains to the pinned root",
            "Intel PCK certificate specification, 1.3",
            "a platform key that nobody vouches for",
            "names, signatures, roles and dates of PCK certificate, authority and root with the"
            " pinned root",
        ),
        CheckSpec(
            "pck-revocation",
            "no certificate of the chain is revoked",
            f"{_PCS}, PCK and root CA CRL",
            "a platform whose key is known to have leaked",
            "serial numbers of leaf, authority and root with two current lists, each signed by the"
            " issuer it speaks for",
            short="rev",
        ),
        CheckSpec(
            "tcb-info-signature",
            "TCB info is signed by Intel's TCB signer",
            f"{_PCS}, TCB info",
            "a forged list of what counts as patched",
            "the signature over the text as received with the TCB signer's key, which the root"
            " itself certified",
        ),
        CheckSpec(
            "tcb-info-current",
            "TCB info is current at the verification time",
            f"{_PCS}, TCB info",
            "an old list that does not know the hole yet",
            "issue date and next update with the verification time, both ends inclusive",
            short="lists",
        ),
        CheckSpec(
            "qe-identity-signature",
            "QE identity is signed by Intel's TCB signer",
            f"{_PCS}, QE identity",
            "a forged identity for a quoting enclave",
            "the signature over the text as received with the TCB signer's key, which the root"
            " itself certified",
        ),
        CheckSpec(
            "qe-identity-current",
            "QE identity is current at the verification time",
            f"{_PCS}, QE identity",
            "an old identity that accepts a broken quoting enclave",
            "issue date and next update with the verification time, both ends inclusive",
        ),
        CheckSpec(
            "fmspc-match",
            "TCB info belongs to this platform model",
            f"{_PCS}, TCB info: fmspc, pceId",
            "judging one CPU by another CPU's list",
            "FMSPC, PCEID, kind and TCB type of the list with the PCK certificate",
        ),
        CheckSpec(
            "qe-report-signature",
            "PCK key signed the quoting enclave's report",
            f"{_DCAP}, A.4: QE report signature",
            "a quoting enclave on no genuine platform",
            "the signature over the QE report with the PCK key",
        ),
        CheckSpec(
            "qe-report-binding",
            "QE report names the attestation key",
            f"{_DCAP}, A.4: QE report data",
            "an attestation key the attacker made",
            "the QE's report data with SHA-256 of attestation key and authentication data, then 32"
            " zero bytes",
        ),
        CheckSpec(
            "qe-identity",
            "the quoting enclave is Intel's",
            f"{_PCS}, QE identity",
            "another enclave that signs what it is told",
            "MRSIGNER, ISVPRODID, MISCSELECT and ATTRIBUTES of the QE with Intel's identity; DEBUG"
            " clear, INIT set",
        ),
        CheckSpec(
            "quote-signature",
            "attestation key signed header and report",
            f"{_DCAP}, A.4: ISV report signature",
            "a changed MRENCLAVE, attribute or report data",
            "the signature over header and report with the attestation key",
        ),
        CheckSpec(
            "avr-format",
            "the IAS report is well formed",
            f"{_IAS}, 4.2.1",
            "text that two readers understand differently",
            "members, types and limits of the body with the service's form, and the quote inside"
            " with its layout",
        ),
        CheckSpec(
            "avr-chain",
            "report signing certificate chains to the pinned root",
            f"{_IAS}, 4.2.2: signing certificate",
            "a report signed by somebody else's service",
            "name, signature, role and dates of the signing certificate with the pinned root",
        ),
        CheckSpec(
            "avr-signature",
            "the signature covers the body as received",
            f"{_IAS}, 4.2.2: report signature",
            "a changed status, time or quote body",
            "the signature over the bytes of the body with the signing certificate's key",
        ),
        CheckSpec(
            "avr-current",
            "the report was made at or before the verification time",
            f"{_IAS}, 4.2.1: timestamp",
            "a report from before the hole was known",
            "the report's timestamp with the verification time",
        ),
        CheckSpec(
            "avr-nonce",
            "the report repeats the nonce sent to IAS",
            f"{_IAS}, 4.2.1: nonce",
            "a replayed report",
            "the nonce in the report with the one that was sent",
        ),
        CheckSpec(
            "tcb-status",
            "firmware, settings and hardening are up to date",
            f"{_PCS}, TCB status; {_IAS}, quote status",
            "known holes through which secrets or the attestation key leak",
            "the status of the level that platform and QE reach (DCAP), or that the service named"
            " (IAS), with up to date",
            short="tcb",
        ),
        CheckSpec(
            "debug",
            "the enclave is not a debug enclave",
            f"{_SDM}, ATTRIBUTES: DEBUG",
            "the host reading and writing the enclave's memory",
            "the DEBUG bit of the report with 0",
        ),
        CheckSpec(
            "mrenclave",
            "the measurement is the expected one",
            f"{_SDM}, MRENCLAVE",
            "other code in a genuine enclave",
            "MRENCLAVE with each of the expected measurements; one that is equal is enough",
            short="code",
        ),
        CheckSpec(
            "mrsigner",
            "the signer is the expected one",
            f"{_SDM}, MRSIGNER",
            "an enclave built by somebody else",
            "MRSIGNER with the expected signer",
            short="sign",
        ),
        CheckSpec(
            "isvprodid",
            "the product is the expected one",
            f"{_SDM}, SIGSTRUCT: ISVPRODID",
            "another product of the same signer",
            "ISVPRODID with the expected product, equal",
        ),
        CheckSpec(
            "isvsvn",
            "the security version is high enough",
            f"{_SDM}, SIGSTRUCT: ISVSVN",
            "rollback to a release with known holes",
            "ISVSVN with the least version accepted",
            short="svn",
        ),
        CheckSpec(
            "advisories",
            "no unwanted security advisory applies",
            f"{_PCS}, advisoryIDs",
            "a hole that the policy does not accept",
            "the advisories listed for the platform with none, or with those to ignore",
        ),
        CheckSpec(
            "certificate-binding",
            "report data names the CAS certificate",
            f"{_CAS}: SHA-512 of additional_data",
            "an honest report relayed in front of another TLS key",
            "report data with SHA-512 of the report's certificates and claims; live, also the"
            " server's TLS certificate",
            short="bind",
        ),
        CheckSpec(
            "nonce",
            "the CAS report repeats our nonce",
            f"{_CAS}: nonce",
            "a replayed CAS report",
            "the nonce in the CAS report with ours, where the evidence names that report's data",
        ),
        CheckSpec(
            "report-age",
            "the report is young enough",
            f"{_OWN}, on {_IAS}, 4.2.1: timestamp",
            "a report saved before the machine was broken into",
            "the time at which the report says it was made with the verification time and the age"
            " allowed",
        ),
        CheckSpec(
            "verification-time",
            "judged at the time that the policy names",
            "scone cas attest, --verification-time",
            "evidence judged at a time when it was still good",
            "the time at which the proof was judged with the time in the policy",
        ),
        CheckSpec(
            "tcb-evaluation",
            "Intel's lists are of a late enough edition",
            f"{_PCS}, tcbEvaluationDataNumber",
            "lists that have not expired and do not know the hole yet",
            "the edition number of the lists that judged, the older of two, with the least one"
            " accepted",
            short="edit",
        ),
        CheckSpec(
            "tcb-grace",
            "an outdated platform is within the grace period",
            f"{_OWN}, on {_PCS}, tcbDate",
            "an update put off for ever",
            "the date of the outdated level (of platform, quoting enclave or the older of both)"
            " with the verification time",
        ),
        CheckSpec(
            "platform-settings",
            "the platform is set as wanted",
            f"{_OWN}, on Intel PCK certificate specification, 1.3",
            "a neighbour on the same core, or a platform whose packages or keys may change",
            "hyper-threading, dynamic platform and cached keys in the PCK certificate with those"
            " the policy refuses",
        ),
        CheckSpec(
            "instance-key",
            "the instance is the expected one",
            "scone cas attest, -c and -s",
            "another genuine CAS that is not yours",
            "hashes of the root key (-c) and the instance's key (-s) with those given, where the"
            " evidence names the report's data",
            short="inst",
        ),
    )
}

#: Checks that no appraisal makes: those of structures that a CPU judges before an enclave may
#: start, and of what they came in.
BUILD_CHECKS: Mapping[str, CheckSpec] = {
    spec.id: spec
    for spec in (
        CheckSpec(
            "image-format",
            "the image is whole and unambiguous",
            "OCI image format 1.0, and casnb's own limits",
            "an image that two readers unpack differently",
            "the digest and size of every blob, and names, paths and links with what is allowed",
        ),
        CheckSpec(
            "ledger-format",
            "the stream builds an enclave",
            f"{_SDM}, enclave measurement",
            "a number that belongs to no enclave",
            "tags, order, alignment and padding of the records with what the CPU does",
        ),
        CheckSpec(
            "sigstruct-format",
            "the SIGSTRUCT is well formed",
            f"{_SDM}, SIGSTRUCT",
            "a statement that no CPU accepts",
            "constants, vendor, date, exponent and reserved bytes with the format",
        ),
        CheckSpec(
            "sigstruct-signature",
            "the signer's key signed it",
            f"{_SDM}, SIGSTRUCT: SIGNATURE",
            "a statement changed by somebody who has not the key",
            "S^3 mod N with the padded SHA-256 of bytes 0 to 127 and 900 to 1027",
        ),
        CheckSpec(
            "sigstruct-q1",
            "q1 is the first quotient",
            f"{_SDM}, SIGSTRUCT: Q1",
            "a statement that no CPU accepts",
            "q1 with floor(S^2 / N)",
        ),
        CheckSpec(
            "sigstruct-q2",
            "q2 is the second quotient",
            f"{_SDM}, SIGSTRUCT: Q2",
            "a statement that no CPU accepts",
            "q2 with floor((S^3 - q1*S*N) / N)",
        ),
        CheckSpec(
            "enclave-hash",
            "the enclave is the one that was signed",
            f"{_SDM}, SIGSTRUCT: ENCLAVEHASH",
            "other code under an honest signature",
            "SHA-256 of the records with ENCLAVEHASH of the SIGSTRUCT",
        ),
    )
}


def spec_of(id: str) -> CheckSpec:
    """Return what is always true of a check, of an appraisal or of a build; raise UsageError for
    an id that there is not.
    """
    found = CATALOGUE.get(id) or BUILD_CHECKS.get(id)
    if found is None:
        raise UsageError(
            "check", got=id, wanted="an id of casnb.checks.catalogue: CATALOGUE or BUILD_CHECKS"
        )
    return found
