"""What is printed when a CAS or a service is not trusted: one row a message."""

from __future__ import annotations

from casnb.tls.diagnosis import Diagnosis, Wording

_MESH = "scone_mesh_tutorial"
_2023 = "print-arg-env, rendering of August 2023"
_HEX = r"[0-9a-fA-F]{8,64}"

ROWS = (
    Diagnosis(
        "runtime-debug",
        "a program says that its own enclave can be debugged",
        "the program was built or started as a debug enclave: the operator of its machine reads and"
        " changes its memory. It is a warning, the program goes on",
        "Fine for trying out. For secrets, sign the enclave without debugging and start it so",
        "secrets that a debugger can read",
        (
            Wording(
                "SCONE runtime",
                "Application runs in SGX debug mode. Its memory can be read from outside the"
                " enclave with a debugger!",
                r"runs? in (?:an? )?SGX debug mode",
            ),
        ),
        lets_in="the operator of the machine",
        cells=("06-debug-ask",),
        attacks=("debug-memory",),
        source="encrypted_vol",
    ),
    Diagnosis(
        "runtime-simulation",
        "a program runs without an enclave",
        "the program runs in simulation mode: there is no SGX at all, its memory is open to"
        " everybody on the machine, and nobody can attest it. It is a warning",
        "Fine for trying out. For secrets, run it on a machine with SGX and without SCONE_MODE=sim",
        "taking a simulation for an enclave",
        (
            Wording(
                "SCONE runtime",
                "Application runs in SGX simulation mode. Its memory can be read from outside the"
                " enclave with a debugger!",
                r"(?:runs? in|in) (?:an? )?(?:SGX )?simulation mode",
            ),
        ),
        lets_in="everybody on the machine",
        source="print-arg-env",
    ),
    Diagnosis(
        "debug-enclave",
        "a debug enclave",
        "the enclave was started with debugging allowed. Whoever runs its machine can read and"
        " change its memory, so it keeps no secret, and the policy does not accept that",
        "For secrets: use a CAS (or build of the service) without debugging, and set nothing."
        " For a lesson with the public CAS: --only_for_testing-debug together with"
        " --only_for_testing-ignore-signer (or, since SCONE 5.8, an explicit --mrsigner). For a"
        " service: tolerate: [debug-mode] in its session",
        "an operator who reads every secret out of the enclave, the key of its certificate"
        " included",
        (
            Wording(
                "SCONE",
                "Debug mode is enabled. Enclave protection is turned off, all secrets can be"
                " extracted with a debugger",
                r"debug(?:ging| mode) (?:is|was|has been)"
                r" (?:enabled|on|active|set|allowed)|debug mode"
                r" enabled|enclave protection (?:is |was )?(?:turned |switched )?off|(?:extracted|"
                r"read) (?:with|by) a debugger|enclave (?:is |was |runs |started )?(?:in|with)"
                r" debug|\bdebug(?:gable|gging)? enclave|enclave (?:is|was) debug",
            ),
        ),
        lets_in="the operator of the machine, who reads every secret and can answer with the"
        " enclave's key; MRENCLAVE does not change, so a pinned value does not help",
        cells=("06-debug-ask", "06-debug-predict"),
        attacks=("debug-memory",),
        source=_2023,
    ),
    Diagnosis(
        "mrenclave",
        "another enclave than the one that was expected",
        "the code that runs measures differently from what was named: it is another release,"
        " another build, the same program with other settings (SCONE_HEAP, SCONE_STACK, dlopen),"
        " or somebody else's program",
        "Find out what the right value is from a source of your own: the release's page for a CAS,"
        " your build (SCONE_HASH=1, casnb measure) for a service. Change what you expect only if"
        " that source gives the number that runs. Never copy it from the message",
        "a program that is not the one you chose, and gets its secrets",
        (
            Wording(
                "SCONE",
                "Unexpected enclave measurement (MRENCLAVE,"
                " 0e62020589972fba3ae70225cf6cd958897bbdd5eee878c5badf5928d95cfaae) - Expected"
                " 5e753b24ae9c62c5d86f0fc6e1acb663f0debdcee99f6c327de66cbf3ce3ef66",
                r"(?:unexpected|wrong|different|bad|unknown) (?:enclave"
                r" )?(?:measurement|mr_?enclave|"
                rf"hash)\b[^|]{{0,30}}?(?P<runs>{_HEX})[^|]{{0,30}}?(?:expected|wanted|but)\W{{1,20}}"
                rf"(?:\w+ ){{0,3}}(?P<expected>{_HEX})",
            ),
            Wording(
                "SCONE, cut at the front",
                "MRENCLAVE, 0e62020589972fba) - Expected 5e753b24ae9c62c5",
                rf"mr_?enclave\W{{1,4}}(?P<runs>{_HEX})\W{{1,8}}expected\W{{1,4}}"
                rf"(?P<expected>{_HEX})",
            ),
            Wording(
                "another order of words",
                "MRENCLAVE mismatch: expected 5e753b24ae9c62c5, got 0e62020589972fba",
                rf"(?:mr_?enclave|measurement|enclave hash)\b.{{0,60}}?expected\W{{1,8}}"
                rf"(?P<expected>{_HEX}).{{1,40}}?(?P<runs>{_HEX})",
            ),
            Wording(
                "another order of words",
                "expected MRENCLAVE 5e753b24ae9c62c5 but got 0e62020589972fba",
                rf"expected (?:mr_?enclave|measurement|enclave hash)\W{{1,4}}(?P<expected>{_HEX})"
                rf".{{1,40}}?(?P<runs>{_HEX})",
            ),
            Wording(
                "another order of words",
                "Enclave measurement 0e62020589972fba does not match expected 5e753b24ae9c62c5",
                rf"(?:mr_?enclave|measurement|enclave hash)\W{{1,4}}(?P<runs>{_HEX}).{{1,40}}?"
                rf"(?:expected|wanted|match)\D{{0,20}}?(?P<expected>{_HEX})",
            ),
            Wording(
                "older SCONE",
                "Enclave hash does not match expectation:",
                rf"enclave hash (?:does not|doesn't|did not) match(?: \w+){{0,3}}:?"
                rf"(?:\s{{0,4}}(?P<runs>{_HEX}))?",
            ),
            Wording(
                "paraphrased",
                "MRENCLAVE does not match",
                r"mr_?enclave\b.{0,90}\b(?:mismatch|(?:does not|doesn't|did not) match|differ|not"
                r" (?:equal|allowed|expected)|unexpected|is not the)|unexpected (?:enclave )?"
                r"(?:measurement|mr_?enclave)|(?:wrong|different|mismatched|unknown)"
                r" (?:mr_?enclave|"
                r"enclave measurement)|(?:measurement|enclave hash)"
                r" .{0,30}(?:mismatch|does not match)",
            ),
        ),
        lets_in="whoever chose the program that runs there, if you copy the number it shows you",
        cells=("03-claim-wrong-code", "06-page"),
        attacks=("altered-page", "rollback"),
        source=f"{_MESH}; the older wording: helm_cas",
    ),
    Diagnosis(
        "mrsigner",
        "an enclave that somebody else signed",
        "the enclave's signer is not the one that was expected. A CAS of Scontain's is expected to"
        " be signed by Scontain, and the public test instances are signed with a test key that"
        " everybody has",
        "For secrets: use a CAS signed by the vendor, or name the signer you trust with --mrsigner,"
        " --isvprodid and --isvsvn. For a lesson with the public CAS:"
        " --only_for_testing-ignore-signer with a pinned --mrenclave",
        "code that the vendor never released",
        (
            Wording(
                "casnb's scone",
                "Unexpected enclave signer (MRSIGNER, 11c4e150b76c2b14) - Expected"
                " b6c14ae06a052842",
                rf"(?:unexpected|wrong|different|unknown) (?:enclave )?(?:signer|mr_?signer)\b"
                rf"[^|]{{0,30}}?(?P<runs>{_HEX})[^|]{{0,30}}?(?:expected|wanted)\W{{1,20}}"
                rf"(?P<expected>{_HEX})",
            ),
            Wording(
                "another order of words",
                "signer mismatch: expected MRSIGNER b6c14ae06a052842, got 11c4e150b76c2b14",
                rf"signer\b.{{0,60}}?expected\W{{1,8}}(?:mr_?signer\W{{1,4}})?(?P<expected>{_HEX})"
                rf".{{1,40}}?(?P<runs>{_HEX})",
            ),
            Wording(
                "paraphrased",
                "MRSIGNER does not match",
                r"mr_?signer\b.{0,90}\b(?:mismatch|(?:does not|doesn't|did not) match|differ|"
                r"unexpected|not (?:equal|trusted|expected))|(?:unexpected|wrong|unknown|untrusted)"
                r" (?:enclave )?(?:mr_?signer|signer)\b|signer of the enclave|(?:mr_?)?signer"
                r" mismatch",
            ),
        ),
        lets_in="whoever can put a measurement in front of you: with the signer ignored, everything"
        " depends on where the MRENCLAVE came from",
        cells=("06-rollback-predict",),
        attacks=("altered-page", "rollback"),
    ),
    Diagnosis(
        "isv",
        "another product, or an older version of it",
        "the right signer signed this enclave, and its product number is another one (ISVPRODID),"
        " or its security version is below the least that was asked for (ISVSVN)",
        "Update the CAS. Lower --isvsvn only if you know which holes the newer version closed. The"
        " product number of a SCONE CAS is 41316",
        "an old release whose hole is known",
        (
            Wording(
                "casnb's scone",
                "Check isvsvn failed, security version: got 3, wanted at least 5",
                r"\bisv_?(?:svn|prod_?id)\b.{0,80}(?:fail|mismatch|too (?:low|old|small)|below|less"
                r" than|(?:does not|doesn't) match|unexpected|not (?:equal|reached)|got \d)|"
                r"(?:unexpected|wrong) isv_?(?:svn|prod_?id)|security version .{0,40}too"
                r" (?:low|old)",
            ),
        ),
        lets_in="whoever brings an old, vulnerable release back",
        cells=("07-no-floor",),
        attacks=("rollback",),
    ),
    Diagnosis(
        "root-changed",
        "the CAS has another root key than the one remembered",
        "a CAS of this name was attested before, and the one that answers now has another root key:"
        " it was set up again, it is another instance, or it is somebody else's",
        "Ask its operator, over another channel, for the hash of the root key, and attest again"
        " with"
        " it: scone cas attest -c HASH",
        "another genuine CAS, one that is not yours",
        (
            Wording(
                "casnb's scone",
                "its root key has changed, and the pin is kept",
                r"root key has changed|another root key than|(?:CAS )?key hash .{0,40}(?:mismatch|"
                r"does not"
                r" match|differ)|cas-(?:software-)?key(?:-hash)?\b.{0,40}(?:failed|mismatch)",
            ),
        ),
        lets_in="whoever runs a genuine CAS of their own and leads you to it",
        cells=("04-changed", "07-yours"),
        attacks=("other-instance",),
    ),
    Diagnosis(
        "not-attested",
        "no CAS of that name was attested",
        "the command talks to attested CASes only, and the one that is meant is not among those"
        " that"
        " this configuration file remembers. In a container, is $HOME/.cas mounted?",
        "Attest it: scone cas attest ADDRESS. scone cas list says which there are; the name is the"
        " address as it was typed",
        "secrets uploaded to somebody who was never checked",
        (
            Wording(
                "casnb's scone",
                "CAS cas: got one that was not attested, wanted an attested CAS.",
                r"not attested|(?:has|was) (?:never|not) (?:been )?attested|wanted an attested CAS|"
                r"no (?:default )?CAS (?:is|was)? ?(?:configured|attested|set)|attest the CAS"
                r" first|"
                r"unattested CAS",
            ),
        ),
        lets_in="anybody at that address, with --only_for_testing-disable-attestation-verification",
        cells=("00-no-client",),
        attacks=("first-use",),
    ),
    Diagnosis(
        "advice",
        "a hint how to get rid of an error",
        "the CAS, or whoever answered in its place, suggests what to tolerate. Nothing proves where"
        " such a line comes from: error messages are not authenticated",
        "Decide from the cause, not from the hint. What the hint names is what you would give up",
        "a weaker policy that an attacker talked you into",
        (
            Wording(
                "SCONE",
                "Note: In order to ignore this error, add `tolerate: [debug-mode]` to the session's"
                " `security.attestation` config",
                r"in order to ignore this (?:error|issue|problem)|add .?tolerate:|suggested"
                r" tolerance",
            ),
        ),
        lets_in="whoever wrote the message, if it was not the CAS",
        cells=("06-message",),
        attacks=("forged-error",),
        source="args-env-tutorial",
        parent=True,
    ),
    Diagnosis(
        "enclave-parent",
        "an enclave was not accepted",
        "the enclave's own properties (its code, its signer, whether it can be debugged) are not"
        " what the policy wants. Where a policy has several variants, none fits as a whole",
        "Read the lines below it: each names one property, what was found and what was wanted",
        "a program that is not the one you chose",
        (
            Wording(
                "SCONE",
                "The program enclave is not trustworthy",
                r"program enclave (?:is|was) not trust",
            ),
            Wording(
                "SCONE",
                "None of the required enclave properties are met by the enclave",
                r"(?:none|not all) of the (?:required )?enclave properties",
            ),
        ),
        cells=("03-rung-2",),
        source=_MESH,
        parent=True,
    ),
    Diagnosis(
        "attestation-parent",
        "attestation failed",
        "the evidence of a CAS or service was not accepted; this line says only that",
        "Read the last line of the message, and give that one to casnb why. It is not a matter of"
        " trying again",
        "whoever could not prove what they run",
        (
            Wording(
                "scone cas attest",
                "Error during attestation of CAS",
                r"error (?:during|in|while) (?:the )?attest(?:ation|ing)(?: of)? (?:the )?CAS|"
                r"attestation of (?:the )?CAS failed",
            ),
            Wording(
                "scone cas attest",
                "Remote attestation report verification failed",
                r"attestation report verification failed",
            ),
            Wording(
                "SCONE runtime",
                "DCAP quote verification failed",
                r"(?:DCAP|SCONE|EPID) quote verification failed|failed to verify (?:DCAP|SCONE|the)"
                r".{0,30}(?:report|quote)",
            ),
            Wording(
                "SCONE runtime",
                "Could not initialize enclave state: Attestation failed",
                r"could not initiali[sz]e enclave state|attestation failed",
            ),
        ),
        cells=("00-refusal",),
        source="helm_cas, print-arg-env, OTP section",
        parent=True,
    ),
)
