"""The catalogue of insecure flags: what each one waives, whom that lets in, when it is least
harmful, and its names elsewhere.

`FLAGS` are the six that every version documents, `NEWER` those of newer versions alone.

Command line help, panels, notebooks and `docs/flags.md` are renderings of these rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Elsewhere:
    """The same idea in other tools, as a reader would write it there; empty where a tool has
    nothing for it.

    `tolerate` are the words of a session's `security.attestation.tolerate`, `session` says what
    to write where none of them fits. Sources: `casnb.policy.translation.TOOLS`.
    """

    gramine: str = ""
    marblerun: str = ""
    dcap_qvl: str = ""
    intel_qvl: str = ""
    tolerate: tuple[str, ...] = ()
    session: str = ""


@dataclass(frozen=True)
class Flag:
    """One insecure flag of `scone cas attest`.

    `name` is the long name without dashes, `attribute` its member of AttestationPolicy. `ias`
    and `dcap` are the statuses it accepts, as Intel's old and new services spell them; empty
    where the flag is not about a status. `who` gains it in a few words, `gains` says what.
    `advisories` are published holes that the flag accepts: `casnb.policy.advisories` has their
    titles and dates. `title` names the idea in a few words, whatever a tool calls it. `group` is
    the heading that the flag stands under where there are many. `turn` is its place in the
    walkthrough, which sets flags one at a time, each after those that it needs; 0: it is never
    set there. `risk` is what a CAS answers to a service whose platform has the status.
    """

    name: str
    short: str
    attribute: str
    help: str
    waives: tuple[str, ...]
    needs: str
    ias: str
    dcap: str
    who: str
    gains: str
    mildest: str
    source: str
    elsewhere: Elsewhere
    advisories: tuple[str, ...] = ()
    title: str = field(kw_only=True)
    group: str = field(kw_only=True)
    turn: int = field(kw_only=True, default=0)
    risk: str = field(kw_only=True, default="")

    @property
    def option(self) -> str:
        """The shortest way to write the flag: `-G`, or `--only_for_testing-debug`."""
        return f"-{self.short}" if self.short else f"--{self.name}"

    def words(self, on: bool) -> list[str]:
        """Return the words of a command line that set the flag; none where it is off."""
        return [self.option] if on else []


_CLI = "scone cas attest --help, 5.8"
PLATFORM, TESTING = "Accept what Intel reports about the platform", "For testing only"

FLAGS: tuple[Flag, ...] = (
    Flag(
        "accept-group-out-of-date",
        "G",
        "accept_group_out_of_date",
        "Accept a platform whose firmware lacks security updates. Dangerous.",
        ("tcb-status",),
        "",
        "GROUP_OUT_OF_DATE",
        "OutOfDate, OutOfDateConfigurationNeeded (with -C)",
        "the operator of an unpatched machine",
        "Whoever runs such a machine and uses a published attack can read enclave memory, the"
        " attestation key included. With that key they sign a quote for any MRENCLAVE: every other"
        " line of the result is then their own word.",
        "A test system that holds nothing of value, on a machine whose owner you trust.",
        _CLI,
        Elsewhere(
            "RA_TLS_ALLOW_OUTDATED_TCB_INSECURE=1",
            "--accepted-tcb-statuses OutOfDate (era: -allow-tcb-status)",
            "allow_status(OutOfDate) with a platform_grace_period",
            "caller accepts SGX_QL_QV_RESULT_OUT_OF_DATE",
            ("outdated-tcb",),
        ),
        ("INTEL-SA-00161", "INTEL-SA-00320", "INTEL-SA-00329", "INTEL-SA-00657"),
        title="firmware outdated",
        group=PLATFORM,
        turn=1,
        risk="The TCB is outdated and may be vulnerable",
    ),
    Flag(
        "accept-configuration-needed",
        "C",
        "accept_configuration_needed",
        "Accept a platform whose settings weaken the enclave, such as hyper-threading.",
        ("tcb-status",),
        "",
        "CONFIGURATION_NEEDED, CONFIGURATION_AND_SW_HARDENING_NEEDED (with -S)",
        "ConfigurationNeeded, ConfigurationAndSWHardeningNeeded (with -S),"
        " OutOfDateConfigurationNeeded (with -G)",
        "a neighbour on the machine, or its root user",
        "A neighbour on the sibling hardware thread can watch the enclave's caches; other settings"
        " let the host fault its arithmetic by lowering the voltage. One status has several causes:"
        " read the advisories.",
        "A machine of your own, where nobody else runs code and the advisories concern"
        " hyper-threading alone.",
        _CLI,
        Elsewhere(
            "RA_TLS_ALLOW_HW_CONFIG_NEEDED=1",
            "--accepted-tcb-statuses ConfigurationNeeded (era: -allow-tcb-status)",
            "allow_status(ConfigurationNeeded); allow_smt(true)",
            "caller accepts SGX_QL_QV_RESULT_CONFIG_NEEDED",
            ("hyperthreading", "insecure-igpu", "insecure-configuration"),
        ),
        ("INTEL-SA-00161", "INTEL-SA-00219", "INTEL-SA-00233", "INTEL-SA-00289"),
        title="platform settings",
        group=PLATFORM,
        turn=2,
        risk="The platform's configuration may make it vulnerable",
    ),
    Flag(
        "accept-sw-hardening-needed",
        "S",
        "accept_sw_hardening_needed",
        "Accept a CPU whose known leaks the enclave must avoid by how it was compiled.",
        ("tcb-status",),
        "",
        "SW_HARDENING_NEEDED, CONFIGURATION_AND_SW_HARDENING_NEEDED (with -C)",
        "SWHardeningNeeded, ConfigurationAndSWHardeningNeeded (with -C)",
        "the host of an enclave that was not rebuilt",
        "If this build was not hardened, the host can inject values into its speculation and read"
        " its secrets.",
        "When MRENCLAVE, or signer and ISVSVN, name a build that you know to be hardened.",
        _CLI,
        Elsewhere(
            "RA_TLS_ALLOW_SW_HARDENING_NEEDED=1",
            "accepted unless --accepted-tcb-statuses leaves SWHardeningNeeded out",
            "allow_status(SWHardeningNeeded)",
            "caller accepts SGX_QL_QV_RESULT_SW_HARDENING_NEEDED",
            ("software-hardening-needed",),
        ),
        ("INTEL-SA-00334", "INTEL-SA-00615"),
        title="enclave rebuild needed",
        group=PLATFORM,
        turn=3,
        risk="The program must be compiled with mitigations",
    ),
    Flag(
        "only_for_testing-debug",
        "",
        "only_for_testing_debug",
        "Accept a debug enclave. It cannot protect secrets.",
        ("debug",),
        "only_for_testing-ignore-signer, or --mrsigner",
        "",
        "",
        "the host",
        "The host reads and writes the enclave's memory with a debugger. It takes the TLS key and"
        " serves its own values under the very certificate you pin. MRENCLAVE does not change.",
        "Course work, with values that are public anyway.",
        _CLI,
        Elsewhere(
            "RA_TLS_ALLOW_DEBUG_ENCLAVE_INSECURE=1",
            '"Debug": true in the package',
            "allow_debug; refused without it",
            "caller reads the report's attributes",
            ("debug-mode",),
        ),
        title="debug enclave",
        group=TESTING,
        turn=5,
    ),
    Flag(
        "only_for_testing-ignore-signer",
        "",
        "only_for_testing_ignore_signer",
        "Do not look at who signed the enclave. MRENCLAVE becomes mandatory.",
        ("mrsigner",),
        "--mrenclave, or only_for_testing-trust-any",
        "",
        "",
        "whoever can change the page with the MRENCLAVE",
        "Everything now hangs on where the MRENCLAVE came from: whoever can change that page"
        " chooses your code. No ISVSVN floor is left either, so an old release with known holes"
        " passes.",
        "When the MRENCLAVE comes from two sources that agree.",
        _CLI,
        Elsewhere(
            "leave RA_TLS_MRSIGNER at any",
            "leave SignerID out, give UniqueID",
            "caller compares mr_signer, or does not",
            "caller compares mr_signer, or does not",
            (),
            "attestation: a list of mrenclave, without signer",
        ),
        title="any signer",
        group=TESTING,
        turn=4,
    ),
    Flag(
        "only_for_testing-trust-any",
        "",
        "only_for_testing_trust_any",
        "Accept any code at all, as long as it runs in a debug enclave.",
        ("mrenclave",),
        "only_for_testing-debug",
        "",
        "",
        "anybody with an SGX machine",
        "Anybody with any SGX machine and any program: it answers as a CAS and keeps whatever you"
        " send.",
        "None where a value matters.",
        _CLI,
        Elsewhere(
            "leave both RA_TLS_MRENCLAVE and RA_TLS_MRSIGNER at any",
            "give neither UniqueID nor SignerID",
            "caller compares nothing",
            "caller compares nothing",
            (),
            "no word; mode: none accepts still more",
        ),
        title="any code",
        group=TESTING,
    ),
)

_NEWER = "wrapper code of 2026 that drives scone 7.0.0 and later"

#: Insecure flags that only a newer CLI has. What they do exactly is not public: what stands here is
#: casnb's reading.
NEWER: tuple[Flag, ...] = (
    Flag(
        "accept-revoked-pcs-certs",
        "",
        "accept_revoked_pcs_certs",
        "Newer CLI. Accept a platform whose PCK certificate Intel revoked.",
        ("pck-revocation",),
        "",
        "",
        "",
        "whoever holds a revoked platform's key",
        "Whoever holds the revoked key, which is known or feared to be lost, signs a quoting"
        " enclave of their own and with it a quote for any MRENCLAVE. No other line of the result"
        " shows that.",
        "None where a value matters.",
        _NEWER,
        Elsewhere(
            dcap_qvl="none: an error",
            intel_qvl="none: SGX_QL_QV_RESULT_REVOKED is fatal",
            session="no word",
        ),
        title="revoked platform",
        group=PLATFORM,
    ),
    Flag(
        "accept-unverifiable-pcs-certs",
        "",
        "accept_unverifiable_pcs_certs",
        "Newer CLI. Accept that no current revocation list could be relied on.",
        ("pck-revocation",),
        "",
        "",
        "",
        "the operator of a revoked platform",
        "A host whose platform was revoked leaves the list out, or shows an old one, and nobody"
        " notices. The signer of Intel's own lists is not known to be unrevoked either.",
        "Old evidence that was judged with its lists when it was new.",
        _NEWER,
        Elsewhere(
            dcap_qvl="none: an error",
            intel_qvl="caller ignores collateral_expiration_status",
            session="no word",
        ),
        title="no revocation list",
        group=PLATFORM,
    ),
)

BY_NAME: Mapping[str, Flag] = {f.name: f for f in FLAGS}
BY_OPTION: Mapping[str, Flag] = {f.option: f for f in FLAGS}


def story() -> tuple[Flag, ...]:
    """Return the flags that the walkthrough sets, in its order."""
    return tuple(sorted((f for f in FLAGS if f.turn), key=lambda f: f.turn))


def find(name: str) -> Flag | None:
    """Return the flag of this long name (with or without dashes) or option, those of newer CLIs
    too.
    """
    return next((f for f in (*FLAGS, *NEWER) if name in (f.name, f"--{f.name}", f.option)), None)


def options(names: tuple[str, ...]) -> str:
    """Write flags (long names without dashes) the shortest way, catalogue order, short ones in
    one cluster: `-GC`.
    """
    chosen = [f for f in (*FLAGS, *NEWER) if f.name in names]
    cluster = "".join(f.short for f in chosen if f.short)
    return " ".join(
        [*([f"-{cluster}"] if cluster else []), *(f.option for f in chosen if not f.short)]
    )
