"""A pasted attest line explained: each token, each rule, what is waived and whom that lets in,
and what is not explained.
"""

from __future__ import annotations

import itertools
import json
from html import escape

import pytest
import yaml

from casnb.cli.scone.cas_attest import attest
from casnb.explain.line import explain
from casnb.policy.flags import FLAGS, NEWER
from casnb.policy.policy import AttestationPolicy

M = "ab" * 32
DEBUG, IGNORE, ANY = (
    "--only_for_testing-debug",
    "--only_for_testing-ignore-signer",
    "--only_for_testing-trust-any",
)
COURSE = f"scone cas attest -G --mrenclave {M} {IGNORE} {DEBUG} scone-cas.cf"


def kinds(line):
    return [(p.token, p.kind) for p in explain(line).parts]


def test_the_assignments_line():
    """Every token of the course's line has its meaning; nothing is refused; three checks are
    named as waived.
    """
    found = explain(COURSE)
    assert kinds(COURSE) == [
        ("scone cas attest", "command"),
        ("-G", "flag"),
        (f"--mrenclave {M}", "option"),
        (IGNORE, "flag"),
        (DEBUG, "flag"),
        ("scone-cas.cf", "address"),
    ]
    assert found.problems == () and all(p.means for p in found.parts)
    assert [f.option for f in found.flags] == ["-G", DEBUG, IGNORE]
    assert found.sentence.startswith(
        "A failure of tcb-status, debug, mrsigner is waived by this line"
    )
    assert found.policy == AttestationPolicy(mrenclaves=(M,)).with_flags("-G", DEBUG, IGNORE)


@pytest.mark.parametrize("flag", (*FLAGS, *NEWER), ids=lambda f: f.name)
def test_every_flag(flag):
    """Each flag alone, in each spelling, is told with help, check, need, and whom it lets in."""
    for spelling in {flag.option, f"--{flag.name}"}:
        part = explain([spelling]).parts[0]
        assert (part.kind, part.flag, part.means) == ("flag", flag.name, flag.help)
        assert any(check in " ".join(part.notes) for check in flag.waives) and (
            flag.needs in " ".join(part.notes)
        )
        assert flag.gains in str(explain([spelling])) and flag.who in str(explain([spelling]))


def test_every_option_of_ours_is_known():
    """Whatever our own scone cas attest takes is explained, never called unknown; what takes a
    value there does here.
    """
    for parameter in attest.params:
        for name in (n for n in parameter.opts if n.startswith("-")):
            if name in ("--simulated-roots", "--help"):
                continue
            words = [name] if parameter.is_flag else [name, "$VALUE"]
            part = explain(["scone", "cas", "attest", *words, "cas"]).parts[1]
            assert part.kind != "unknown" and part.token == " ".join(words), name


@pytest.mark.parametrize(
    ("word", "options"),
    [("-GCS", ["-G", "-C", "-S"]), ("-SG", ["-S", "-G"]), ("-Gd", ["-G", "-d"])],
)
def test_clusters(word, options):
    """Letters in one word are told one by one."""
    tokens = kinds(f"scone cas attest {word} cas")
    assert tokens[1] == (word, "cluster") and [t for t, _ in tokens[2:-1]] == options


def test_a_cluster_may_end_in_a_value():
    """A letter that takes a value takes the rest of the word, or the next word."""
    assert [p.token for p in explain("scone cas attest -GcHASH cas").parts][3] == "-c HASH"
    assert [p.token for p in explain("scone cas attest -Gc HASH cas").parts][3:] == [
        "-c HASH",
        "cas",
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("-d cas", "-d: a spelling of 2019 and 2020. Write --only_for_testing-debug."),
        (f"-m {M} cas", "-m: a spelling of 2019 and 2020. Write --mrenclave."),
        ("-a cas", "-a: a spelling of 2019 and 2020. Write the address alone."),
        ("-v cas", "-v: a spelling of 2019 and 2020. Write nothing: it is gone."),
        (f"-n {'0' * 32} cas", "-n: a spelling of 2019 and 2020. Write --nonce."),
        (
            "--only-for-testing-debug cas",
            (
                "--only-for-testing-debug: no option of scone cas attest. Meant:"
                " --only_for_testing-debug."
            ),
        ),
        (
            "--only_for_testing-allow-unprovisioned-cas cas",
            "Meant: --only_for_testing_allow-unprovisioned-cas.",
        ),
        ("--mrenclav x cas", "Meant: --mrenclave."),
        ("\N{EN DASH}G cas", "a typographic dash, as pages make them. Write -G."),
        ("\N{EM DASH}mrenclave x cas", "Write --mrenclave."),
        ("\N{LEFT DOUBLE QUOTATION MARK}cas", "typographic quotes are part of the word"),
        (f"{DEBUG} cas", f"{DEBUG}: needs {IGNORE} or --mrsigner"),
        (f"{ANY} cas", f"{ANY}: needs {DEBUG}"),
        (f"{IGNORE} cas", f"{IGNORE}: needs --mrenclave"),
        (f"--mrsigner {M} cas", "--mrsigner: needs --isvprodid and --isvsvn"),
        ("--isvprodid 3 cas", "--isvprodid: needs --mrsigner"),
        (
            f"--mrsigner {M} --isvprodid 1 --isvsvn 1 {IGNORE} --mrenclave {M} cas",
            f"{IGNORE}: contradicts --mrsigner",
        ),
        (f"--nonce {'0' * 32} cas", "--nonce: only with --offline-report"),
        ("--mrenclave -G cas", "--mrenclave: needs HEX and got none. Is a shell variable empty"),
        ("--mrenclave", "--mrenclave: needs HEX and got none"),
        (f"--mrenclave {M.upper()} cas", "in lower case"),
        ("--isvsvn x cas", "invalid int value"),
        (
            "--fail-on-any-advisory --ignore-advisories INTEL-SA-00334 cas",
            "contradicts --ignore-advisories",
        ),
        ("-G", "ADDRESS: missing"),
        (f"cas {M} x", "x: a third word that belongs to no option"),
        ("-c nonsense cas", "-c: "),
        ("-G \\ \n cas", "a backslash followed by a space"),
        (f"{DEBUG}=false cas", f"{DEBUG}: got false for a value, and takes none"),
        ("--accept-group cas", "Meant: --accept-group-out-of-date."),
        ("cas -- -G", "MRENCLAVE: got '-G'"),
        ("cas 'open", "no closing quotation"),
    ],
)
def test_what_would_be_refused(line, problem):
    """Old and wrong spellings and every rule between options are named, with what to write
    instead.
    """
    found = explain(f"scone cas attest {line}")
    assert any(problem in p for p in found.problems), found.problems
    assert found.sentence.startswith("The command refuses this line")


def test_a_positional_measurement_is_deprecated():
    """A second word is an MRENCLAVE, as in 2020: taken, and told what to write today."""
    found = explain(f"scone cas attest cas {M} -G")
    assert (
        found.parts[2].kind == "deprecated"
        and f"--mrenclave {M}" in found.parts[2].notes[-1]
        and not found.problems
    )
    assert found.policy.mrenclaves == (M,)


@pytest.mark.parametrize(
    "line",
    [
        "--mrenclave $M cas",
        "--mrenclave=${M} cas",
        f"--mrenclave {M} $CAS",
        "--mrenclave $(a | b) cas",
    ],
)
def test_variables_get_a_hint(line):
    """What a shell has yet to fill in is pointed out and counts as given."""
    found = explain(f"scone cas attest {IGNORE} {DEBUG} {line}")
    assert not found.problems and sum("shell" in n for p in found.parts for n in p.notes) == 1


def test_every_combination_agrees_with_the_policy():
    """For every set of flags the line is refused exactly where the policy refuses it, in the
    same words.
    """
    for size in range(len(FLAGS) + 1):
        for names in itertools.combinations([f.name for f in FLAGS], size):
            policy = AttestationPolicy(mrenclaves=(M,)).with_flags(*names)
            found = explain(policy.command("cas"))
            assert list(found.problems) == policy.problems() and found.policy == policy


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("curl -k https://cas:8081", "curl: about a TLS connection"),
        ("openssl s_client", "openssl: about a TLS connection"),
        ("scone session create -C x", "scone session create: only cas attest is explained"),
        ("scone cas list", "scone cas list: only cas attest"),
        ("ls", "ls: not a scone cas attest line"),
        (
            "scone session read --only_for_testing-disable-attestation-verification x",
            "talks to a CAS that nobody attested",
        ),
        ("", "Give a line that starts with scone cas attest"),
    ],
)
def test_outside(line, said):
    """What is not an attest line is named as not explained, and never guessed at."""
    found = explain(line)
    assert (
        found.parts == ()
        and said in found.outside[0]
        and found.sentence == "Nothing here is a scone cas attest line."
    )


@pytest.mark.parametrize(
    ("line", "runner"),
    [
        ("sudo -E scone cas attest -G cas", "sudo -E"),
        (
            "docker run -it -e SCONE_MODE=hw image scone cas attest -G cas",
            "docker run -it -e SCONE_MODE=hw image",
        ),
        ("kubectl exec pod -- /bin/scone cas attest -G cas", "kubectl exec pod --"),
        ("if ! scone cas attest -G cas; then exit 1; fi", ""),
        ("(scone cas attest -G cas)", ""),
        ("said=$(scone cas attest -G cas)", ""),
        ('[ -n "`scone cas attest -G cas`" ]', ""),
        ("time scone cas attest -G cas", ""),
    ],
)
def test_whatever_runs_it(line, runner):
    """What runs the command is named, not explained; inside a script's condition or substitution
    the line is found as well.
    """
    found = explain(line)
    assert [p.token for p in found.parts if p.kind == "runner"] == ([runner] if runner else [])
    assert (
        [f.option for f in found.flags] == ["-G"]
        and not found.problems
        and found.parts[-1].token == "cas"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "RA_TLS_ALLOW_DEBUG_ENCLAVE_INSECURE=1 gramine-sgx app",
            f"RA_TLS_ALLOW_DEBUG_ENCLAVE_INSECURE says there what {DEBUG} says",
        ),
        ("export RA_TLS_ALLOW_OUTDATED_TCB_INSECURE=1", "what -G says here"),
        (
            "marblerun manifest verify --accepted-tcb-statuses OutOfDate,SWHardeningNeeded",
            "SWHardeningNeeded says there what -S says",
        ),
    ],
)
def test_another_tools_switch(line, said):
    """A switch of another tool is translated, whoever pastes its command."""
    assert (
        said in explain(line).outside[0] and "casnb flags --crosswalk" in explain(line).outside[0]
    )


@pytest.mark.parametrize(
    "option",
    [
        "--verification-time 2021-01-01",
        "--allow-cas-owner-secret-access",
        "--only_for_testing_allow-unprovisioned-cas",
        "--tcb-grace 30d",
    ],
)
def test_what_loosens_without_waiving_is_no_clean_bill(option):
    """Options that waive no check and yet let somebody in are named in the sentence; the line is
    not shown as trustworthy.
    """
    name = option.partition(" ")[0]
    for more in ("", " -C"):
        found = explain(f"scone cas attest {option}{more} cas")
        assert (
            found.sentence.startswith(f"Made looser by {name}:")
            and "No insecure flag" not in found.sentence
        )
        assert ("A failure of tcb-status" in found.sentence) is bool(more)
        assert 'data-verdict="accepted-with-waivers"' in found._html()


def test_help_attests_nothing():
    """A line that only asks for help is not judged, and leaves nothing to defaults."""
    found = explain("scone cas attest --help")
    assert "nothing is attested" in found.sentence and found.notes == () and found.problems == ()


def test_a_script():
    """Of several commands the attest line is explained and the others are named."""
    found = explain(
        f"M=$(curl -s page)\nscone cas attest --mrenclave $M cas && curl x | jq\n{COURSE}"
    )
    assert found.parts[0].token == "scone cas attest" and not found.flags
    assert [o.partition(":")[0] for o in found.outside] == [
        "curl",
        "jq",
        "a second scone cas attest",
    ]


def test_program_with_path_and_options_before():
    """A path before scone and options before cas do not hide the command."""
    assert explain("/opt/bin/scone -c my.json cas attest -G cas").flags[0].short == "G"


def test_notes_on_what_is_left_to_defaults():
    """What the line does not say is said: whose signature, which version, which instance, an old
    report.
    """
    notes = " ".join(explain("scone cas attest cas").notes)
    assert "any CAS that Scontain signed" in notes and "Without -c another genuine CAS" in notes
    assert "no least version" in " ".join(explain(f"scone cas attest --mrenclave {M} cas").notes)
    assert "Everything hangs on where" in " ".join(explain(COURSE).notes)
    assert "replayed" in " ".join(explain("scone cas attest --offline-report r.json cas").notes)


def test_advisories_are_looked_up():
    """Each advisory that a line tolerates is told by title and date."""
    note = explain("scone cas attest --ignore-advisories INTEL-SA-00334 cas").parts[1].notes[0]
    assert "LVI" in note and "2020-03-12" in note


def test_as_a_session():
    """The flags are written as a session's tolerate, and what has no word is named."""
    session = explain(COURSE).session
    assert yaml.safe_load(session.text)["security"]["attestation"]["tolerate"] == [
        "outdated-tcb",
        "debug-mode",
    ]
    assert session.lost[0].startswith(IGNORE)


HOSTILE = (
    "scone cas attest --mrenclave \x1b[2J\N{RIGHT-TO-LEFT OVERRIDE} '<script>x</script>' \x07 -\x1b"
    " --\x1b[31m"
)


def test_hostile_text():
    """Control characters and markup of a pasted line reach neither terminal, notebook nor JSON
    as such.
    """
    found = explain(HOSTILE)
    for shown in (str(found), found._html(), json.dumps(found.to_json(), ensure_ascii=False)):
        assert not set(shown) & {"\x1b", "\x07", "\N{RIGHT-TO-LEFT OVERRIDE}"}
    assert "<script>" not in found._html()


def test_renderings_say_the_same():
    """Text, HTML and JSON have every token, problem and gain."""
    found = explain(f"scone cas attest -GCS {DEBUG} cas")
    data = found.to_json()
    assert [p["token"] for p in data["parts"]] == [p.token for p in found.parts] and data[
        "problems"
    ] == list(found.problems)
    for option, text in found.gains():
        assert (
            option in str(found)
            and text in str(found)
            and option in found._html()
            and escape(text) in found._html()
        )
    assert all(escape(means) in found._html() and means in str(found) for _, means in found.rows())
    assert "<pre><code>security:\n  attestation:\n    tolerate:" in found._html()
    assert found.problems[0] in str(found)
