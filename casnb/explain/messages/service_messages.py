"""What a service prints when its start fails: configuration, one-time passwords, files, the
machine's attestation service, the enclave itself. One row each.
"""

from __future__ import annotations

from casnb.tls.diagnosis import Diagnosis, Wording

_OTP = "Exercise-Docu/section_otp"
_2023 = "print-arg-env, rendering of August 2023"

ROWS = (
    Diagnosis(
        "otp-used",
        "a one-time password was used twice",
        "the code was right and has been used within the last 30 seconds; each works once",
        "Wait for the next 30 seconds and take the new code",
        "somebody who saw your code and uses it right after you",
        (
            Wording(
                "SCONE",
                "A One-time Password was already used within this time-step. Please try again in"
                " the next time-step",
                r"(?:one[- ]time password|OTP|code)\b.{0,40}(?:already|was|been) (?:been )?used|"
                r"already used within this time|next time-?step",
            ),
        ),
        source="envcas",
    ),
    Diagnosis(
        "otp-invalid",
        "a wrong one-time password",
        "the code is wrong, or the start took so long that its 30 seconds were over, or one of the"
        " two clocks is off, or the authenticator holds another secret",
        "Check the clock of the machine and of the phone, then start again with a fresh code",
        "somebody who knows the session's name and has no authenticator",
        (
            Wording(
                "SCONE",
                "The given One-time Password is invalid. Please try again.",
                r"(?:one[- ]time password|OTP)\b.{0,30}(?:is |was )?(?:invalid|wrong|incorrect|"
                r"expired|not (?:valid|correct))|(?:invalid|wrong|incorrect) (?:one[- ]time"
                r" password|"
                r"OTP\b)",
            ),
        ),
        source=_OTP,
    ),
    Diagnosis(
        "otp-secret",
        "the shared secret of one-time passwords cannot be read",
        "the session's one_time_password_shared_secret is not base32: the letters A to Z and the"
        " digits 2 to 7",
        "Put the secret into the session as the authenticator shows it, in base32, and update it",
        "nothing: until then nobody starts the service",
        (
            Wording(
                "casnb's scone",
                "The shared secret is not base32",
                r"shared[ _]secret\b.{0,30}(?:not|no valid|invalid) base32",
            ),
        ),
        source=_OTP,
    ),
    Diagnosis(
        "otp-required",
        "the session wants a one-time password",
        "the session has a one_time_password_shared_secret, and the service was started without a"
        " code",
        "Append it to the configuration id: SCONE_CONFIG_ID=session/service@123456",
        "a start that nobody approved",
        (
            Wording(
                "SCONE",
                "An One-time Password is required to access this session",
                r"(?:one[- ]time password|OTP|2FA|second factor)\b.{0,30}(?:is |was )?(?:required|"
                r"needed|missing|wanted)|(?:requires?|needs?|missing) (?:an? )?(?:one[- ]time"
                r" password|OTP\b)",
            ),
        ),
        lets_in="whoever can start the service, without the secret in the session",
        source=_2023,
    ),
    Diagnosis(
        "tag",
        "the files are older than the CAS remembers",
        "the CAS keeps a tag of the last state of the protected files, and the files on the disk"
        " are"
        " of another state: they were restored from an old copy, deleted, or two services wrote"
        " them",
        "Restore the newest volume. Never switch rollback protection off to get going:"
        " no_rollback_protection accepts every old state for good",
        "an old state brought back: money spent twice, a deleted user returning, used codes reset",
        (
            Wording(
                "SCONE",
                "The FSPF tag is not fresh - suspected replay attack",
                r"(?:FSPF|file[- ]?system|volume) tag\b.{0,40}(?:not"
                r" fresh|mismatch|stale|old|(?:does"
                r" not|doesn't) match|differ)|tag is not fresh|suspected (?:a"
                r" )?(?:replay|rollback)|"
                r"not fresh\W{1,4}suspected",
            ),
        ),
        lets_in="the operator of the disk, who may bring back any old state",
        attacks=("replay",),
        source="args-env-tutorial, example 20",
    ),
    Diagnosis(
        "chunk",
        "a protected file was changed from outside",
        "the content of a file does not fit what was recorded when it was protected: a disk"
        " error, a"
        " tool that wrote the file without SCONE, or tampering",
        "Restore the file from a good copy, or protect the folder again from trusted sources",
        "files that somebody changed behind the enclave's back",
        (
            Wording(
                "SCONE",
                "Verification of file chunk 0 failed",
                r"verification of (?:the )?(?:file )?chunk|file chunk.{0,40}(?:fail|corrupt)|chunk"
                r" \d+.{0,60}(?:failed|corrupt|mismatch)",
            ),
        ),
        lets_in="whoever can write to the disk",
        source="sconify_hw_k8s",
    ),
    Diagnosis(
        "las",
        "no attestation service on this machine",
        "a quote is made by the local attestation service (LAS), and none answers: by default the"
        " host las, port 18766. Without a quote the CAS gives the service nothing",
        "Start a LAS on the machine, and say where it is with SCONE_LAS_ADDR. In simulation mode"
        " none is needed. Nothing of this is about the CAS",
        "nothing: evidence cannot be made, so nothing is given out",
        (
            Wording(
                "SCONE runtime",
                "Unable to connect to LAS at default 'las' address (Resolution of LAS address"
                " las:18766 failed)",
                r"connect(?:ion|ing)? to (?:the )?LAS\b|resolution of LAS|\bLAS\b.{0,60}(?:failed|"
                r"refused|unreachable|not (?:reachable|found|running|available)|cannot be reached)|"
                r"\blas:18766\b|(?:no|missing) (?:local attestation service|LAS)\b",
            ),
        ),
        lets_in="everybody, with attestation mode none in the session",
        source="print-arg-env",
    ),
    Diagnosis(
        "no-service",
        "the CAS knows no such service, or does not tell",
        "SCONE_CONFIG_ID names session and service as SESSION/SERVICE, and one of the two is wrong,"
        " or the session is not on this CAS",
        "Compare both parts with the session (services: - name:). The session's own name may"
        " contain"
        " slashes; the last part is the service. Is it the CAS to which you uploaded?",
        "services that somebody guesses at",
        (
            Wording(
                "casnb's CAS",
                "No session has a service 'session/service'",
                r"no session has a service|(?:unknown|no such) service\b|service .{0,140}(?:does"
                r" not"
                r" exist|not found) in (?:the )?session|invalid (?:SCONE_)?config[_ ]id",
            ),
        ),
        cells=("05-service",),
    ),
    Diagnosis(
        "service-nonce",
        "evidence for another question",
        "the nonce in the evidence is not one that this CAS gave out, it was used before, or it is"
        " too old: somebody shows a report again, or the start took too long",
        "Start the service again, so that it makes fresh evidence",
        "an old report shown again",
        (
            Wording(
                "casnb's CAS",
                "The nonce is not one that this CAS gave out, or was used or is too old",
                r"nonce is not one that|nonce .{0,30}(?:was used|is too old|already used|expired)",
            ),
            Wording("casnb's CAS", "No client certificate was sent: nobody would know whom"),
        ),
        cells=("06-replay-predict",),
        attacks=("replay",),
    ),
    Diagnosis(
        "service-evidence",
        "no evidence that the CAS can check",
        "the service sent no quote, or an EPID quote. SCONE up to 6.x still has other kinds; from"
        " 7.0 on DCAP is the only one, and the simulated CAS takes DCAP quotes alone",
        "Run the service in an enclave, on a machine with DCAP",
        "a program without an enclave that asks for secrets",
        (
            Wording("casnb's CAS", "No quote was sent"),
            Wording("casnb's CAS", "An EPID quote cannot be verified here"),
        ),
        lets_in="everybody, with attestation mode none in the session",
    ),
    Diagnosis(
        "service-configuration",
        "the service was accepted, and its configuration cannot be made",
        "an import leads nowhere, a placeholder has no value, or a file cannot be filled in: the"
        " sessions do not fit together",
        "Read the line below: it names the secret. Is it exported by the other session to this one,"
        " and is the hash still right where one is pinned?",
        "a service that runs with a part of its configuration",
        (
            Wording(
                "casnb's CAS",
                "Failed to make the configuration of the service",
                r"make the configuration of the service",
            ),
        ),
        cells=("05-service",),
        parent=True,
    ),
    Diagnosis(
        "heap",
        "the enclave's memory is full",
        "an enclave has a fixed heap, and the program wants more",
        "Give it more: SCONE_HEAP=2G (for example). The size is measured: MRENCLAVE changes, and"
        " the"
        " session needs the new value",
        "nothing: this is about size",
        (
            Wording(
                "SCONE runtime",
                "Protected heap memory exhausted! Set SCONE_HEAP",
                r"heap (?:memory )?(?:is )?exhausted|set SCONE_HEAP|out of (?:enclave|protected)"
                r" memory|increase SCONE_HEAP",
            ),
        ),
        cells=("08-ex-heap",),
        source="Java",
    ),
    Diagnosis(
        "sgx-device",
        "no SGX device",
        "the program was to run in an enclave, and there is no SGX device that it may use: the"
        " processor has none, the BIOS switched it off, the driver is missing, or the container was"
        " not given it",
        "For a lesson: SCONE_MODE=sim. Else: BIOS, driver, and --device /dev/sgx_enclave (and"
        " /dev/sgx_provision) for the container",
        "nothing: without SGX nothing is protected, and it says so",
        (
            Wording(
                "SCONE runtime",
                "Could not create enclave: Error opening SGX device",
                r"(?:opening|open|find|access)\b.{0,20}\bSGX (?:device|driver)|no SGX device|could"
                r" not create (?:the )?enclave|/dev/(?:isgx|sgx(?:_enclave|/enclave)?)\b",
            ),
        ),
        lets_in="everybody on the machine, in simulation mode",
        source="hardwaremode",
    ),
    Diagnosis(
        "service-parent",
        "the CAS gave the service nothing",
        "the service asked for its configuration and was refused; the reason is in the lines below."
        " Such texts come over a connection that is not yet trusted: somebody else may write them",
        "Read the last line of the message, and give that one to casnb why",
        "a service that is not what the session wants",
        (
            Wording(
                "SCONE runtime",
                "CAS sent an attestation/configuration error:",
                r"CAS sent an? .{0,40}error",
            ),
            Wording(
                "SCONE runtime",
                "Failed to retrieve service attestation configuration",
                r"failed to (?:retrieve|get|fetch) (?:the )?service.{0,30}configuration",
            ),
            Wording("casnb's CAS", "Failed to attest service"),
            Wording(
                "casnb service run",
                "CAS refuses the service",
                r"\brefuses? (?:the )?service\b",
            ),
            Wording(
                "SCONE runtime",
                "Note: Connecting to CAS at cas (port 18765) using service ID session/service@otp",
                r"connecting to CAS at .{1,120}using service ID",
            ),
        ),
        cells=("05-service-other-run",),
        source=_OTP,
        parent=True,
    ),
)
