"""The command `casnb`: everything beside the scone-compatible command, each subcommand loaded
when it is called.
"""

from __future__ import annotations

import click

from casnb import __version__
from casnb.cli.base import EXITS, Commands

COMMANDS = {
    "walkthrough": (
        "casnb.cli.walkthrough_command:walkthrough",
        "The whole story in the terminal, from the refusal to the value 42.",
    ),
    "lab": (
        "casnb.cli.lab_command:lab",
        "Lay out the notebooks, start the simulated CAS and JupyterLab.",
    ),
    "serve": (
        "casnb.cli.serve_command:serve",
        "A simulated CAS and its web page, on loopback only.",
    ),
    "stop": ("casnb.cli.serve_command:stop", "Stop the simulated CAS that runs in the background."),
    "scrape": ("casnb.cli.scrape_command:scrape", "The MRENCLAVE values of a public CAS page."),
    "decode": ("casnb.cli.decode_command:decode", "A piece of evidence as a table of fields."),
    "measure": (
        "casnb.cli.measure_command:measure",
        "Which enclave an image or program is, and whether its signer signed it.",
    ),
    "verify": (
        "casnb.cli.verify_command:verify",
        "Is it genuine, is it wanted: every check, and a verdict.",
    ),
    "endorsements": (
        "casnb.cli.endorsements_command:endorsements",
        "What goes with a DCAP quote: fetch it, or put it together.",
    ),
    "vectors": (
        "casnb.cli.vectors_command:vectors",
        "Test vectors for any SGX verifier, as files with the verdict to reach.",
    ),
    "explain": (
        "casnb.cli.explain_command:explain",
        "A scone cas attest line or script, word by word; a session as flags.",
    ),
    "flags": (
        "casnb.cli.flags_command:flags",
        "Which insecure flags a report needs; what each combination accepts.",
    ),
    "attack": (
        "casnb.cli.attack_command:attack",
        "Let Mallory try: real attacks against the flags and habits you choose.",
    ),
    "why": (
        "casnb.cli.why_command:why",
        "What a message of scone, curl or another tool means, and the cure.",
    ),
    "service": (
        "casnb.cli.service_command:service",
        "A program in a simulated enclave, as a service of a session.",
    ),
    "history": (
        "casnb.cli.history_command:history",
        "The versions of a session, what changed, and who could read what.",
    ),
    "class": (
        "casnb.cli.class_command:class_group",
        "A course: assignments, a world for each student, marks.",
    ),
    "screencast": (
        "casnb.cli.screencast_command:screencast",
        "A film of a lesson, or of the story in the terminal.",
    ),
    "slides": ("casnb.cli.slides_command:slides", "A lesson as slides, for a lecture."),
    "completion": (
        "casnb.cli.completion_command:completion",
        "What makes a shell complete casnb and scone.",
    ),
    "doctor": ("casnb.cli.doctor_command:doctor", "What on this machine would get in the way."),
}

#: What people type in place of a command of this list, and what to tell them.
ELSEWHERE = {
    **{
        name: f"no command {name!r}. That is scone {words}: see scone {words} --help."
        for name, words in {
            "attest": "cas attest",
            "cas": "cas",
            "cert": "cert",
            "self": "self",
            "session": "session",
            "show-certificate": "cas show-certificate",
            "verify-audit-log": "cas verify-audit-log",
        }.items()
    },
    "version": "no command 'version'. Write casnb --version.",
    "help": "no command 'help'. Write casnb --help, or casnb COMMAND --help.",
    "start": "no command 'start'. A simulated CAS is started by casnb serve.",
    "notebook": "no command 'notebook'. The notebooks are opened by casnb lab.",
}


@click.group(
    cls=Commands,
    lazy=COMMANDS,
    epilog_rows=EXITS,
    elsewhere=ELSEWHERE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(
    __version__, "-V", "--version", prog_name="casnb", message="%(prog)s %(version)s"
)
def casnb() -> None:
    """May I trust this CAS with a secret? Find out by doing.

    Start with `casnb walkthrough`, go on with `casnb lab`. Results stand on standard output,
    remarks on standard error; --json is there where a machine may read. The command `scone`
    takes the options of the SCONE CLI.
    """


def main() -> None:
    """Run the command line."""
    casnb.main(prog_name="casnb")


if __name__ == "__main__":
    main()
