"""What is printed when a machine is not trusted: statuses and advisories, one row a message."""

from __future__ import annotations

from casnb.tls.diagnosis import Diagnosis, Wording

_2023 = "print-arg-env, rendering of August 2023"

ROWS = (
    Diagnosis(
        "tcb-both",
        "settings of the machine and hardening of the code at once",
        "the status is a combined one: a setting of the machine weakens enclaves"
        " (hyper-threading, for example), and the code must have been compiled with mitigations,"
        " which no report shows; or the firmware is old and a setting is weak",
        "Mend what can be mended: firmware, BIOS settings, a build with mitigations. Only then"
        " think about flags: such a status needs two (-C and -S, or -G and -C)",
        "a neighbour on the processor, and code that leaks by itself",
        (
            Wording(
                "IAS",
                "CONFIGURATION_AND_SW_HARDENING_NEEDED",
                r"CONFIGURATION_?AND_?SW_?HARDENING_?NEEDED|OUT_?OF_?DATE_?CONFIGURATION_?NEEDED",
            ),
        ),
        lets_in="a neighbour on the machine, its root user, and whoever chose a build that was not"
        " hardened",
        cells=("03-others",),
        attacks=("undervolt", "load-injection"),
        source="CAS_cli, help of -C and -S",
    ),
    Diagnosis(
        "tcb-configuration",
        "a setting of the machine that weakens enclaves",
        "the firmware is current, and a setting lets neighbours listen or faults happen:"
        " hyper-threading, an integrated GPU, an open voltage interface. The advisories beside it"
        " say which",
        "Switch it off in the BIOS. -C (--accept-configuration-needed) waives the check for a CAS,"
        " tolerate: [hyperthreading] (or insecure-igpu, insecure-configuration) for a service:"
        " read the advisories first, one status has several causes",
        "a neighbour on the same core, or a root user who lowers the voltage",
        (
            Wording(
                "IAS, DCAP",
                "CONFIGURATION_NEEDED",
                r"CONFIGURATION_?NEEDED|hyper-?threading (?:is|was) (?:enabled|on)|insecure[- ]"
                r"(?:configuration|igpu)|configuration may make it vulnerable",
            ),
        ),
        lets_in="a neighbour on the machine, and its root user",
        cells=("06-voltage",),
        attacks=("undervolt",),
        source="CAS_cli, help of -C",
    ),
    Diagnosis(
        "tcb-hardening",
        "the code has to have been compiled with mitigations",
        "on this processor some holes can only be closed by the compiler, and no report shows"
        " whether the enclave was. Affected processors always report at least this status",
        "Pin a build that is known to be hardened: with --mrenclave or a least --isvsvn, -S"
        " (--accept-sw-hardening-needed) costs little. For a service: tolerate:"
        " [software-hardening-needed]",
        "a build that was not hardened and can be made to leak",
        (
            Wording(
                "IAS, DCAP",
                "SW_HARDENING_NEEDED",
                r"SW_?HARDENING_?NEEDED|software[- ]hardening[- ](?:is )?needed|compiled with"
                r" mitigations",
            ),
        ),
        lets_in="whoever chose a build without mitigations, if no measurement is pinned",
        cells=("06-hardening",),
        attacks=("load-injection",),
        source="CAS_cli, help of -S",
    ),
    Diagnosis(
        "tcb-revoked",
        "a platform that Intel gave up",
        "Intel revoked the key or patch level of this machine: it is known to be broken",
        "Use another machine. No flag and no word of a session accepts this",
        "somebody who has the platform's key and signs anything with it",
        (
            Wording(
                "IAS, DCAP",
                "KEY_REVOKED",
                r"\b(?:KEY|GROUP|SIGNATURE)_REVOKED\b|\bSIGRL_VERSION_MISMATCH\b|"
                r"status.{0,20}\brevoked\b|tcb.{0,40}\brevoked\b|\bgot Revoked\b",
            ),
        ),
        lets_in="nobody: there is no quick cure, and that is right",
        attacks=("revoked-key",),
        source="Intel's attestation services",
    ),
    Diagnosis(
        "tcb-outdated",
        "a machine that lacks security updates",
        "firmware or microcode of the machine is behind, so published attacks work there; the"
        " advisories name them. Since SCONE 6.0 the newer DCAP interface delivers advisories that"
        " the older one kept quiet about: sessions that named none may stop being served",
        "Update the machine's firmware; microcode that the operating system loads does not count."
        " For a CAS, -G waives the check. For a service, a session has to name both the kind"
        " (tolerate: [outdated-tcb]) and each advisory (ignore_advisories), after reading them",
        "an attacker who takes the attestation key from such a machine and signs anything",
        (
            Wording(
                "SCONE",
                "The TCB is outdated and may be vulnerable",
                r"TCB (?:is |was )?(?:outdated|out[- ]of[- ]date|too old|behind|not up[- ]to[- ]"
                r"date|not current)|TCB.{0,40}may be"
                r" vulnerable|outdated[- ]TCB|firmware (?:is|was)"
                r" (?:outdated|out of date)",
            ),
            Wording(
                "SCONE, casnb",
                "The enclave's TCB is not trustworthy",
                r"TCB (?:is|was) not trust(?:worthy|ed)",
            ),
            Wording("IAS, DCAP", "GROUP_OUT_OF_DATE", r"GROUP_?OUT_?OF_?DATE|\bOUT_?OF_?DATE\b"),
        ),
        lets_in="whoever runs such a machine: with a key taken from it they sign a report for any"
        " MRENCLAVE, so -G alone can void every other check",
        cells=("06-cpu", "03-price"),
        attacks=("forged-quote",),
        source=_2023,
    ),
    Diagnosis(
        "advisory",
        "an advisory of Intel's",
        "the machine, or the way its enclaves are built, has a hole that Intel published under this"
        " number",
        "Read what it is about. Update the machine; what stays open, a session has to name:"
        " ignore_advisories, together with the kind of risk under tolerate",
        "a hole that everybody can read about",
        (
            Wording(
                "SCONE",
                "See advisory INTEL-SA-00076"
                " (https://www.intel.com/content/www/us/en/security-center/advisory/intel-sa-00076.html)",
                r"INTEL-SA-\d{5}",
            ),
        ),
        lets_in="whoever can use that hole",
        cells=("05-tolerate",),
        source=_2023,
        parent=True,
    ),
)
