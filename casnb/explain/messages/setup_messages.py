"""What a machine prints before anything is attested: commands, containers, the registry, ports,
and the command line itself. One row each.
"""

from __future__ import annotations

from casnb.tls.diagnosis import Diagnosis, Wording

_FIRST = "Exercise-Docu/exercise0"


def _absent(name: str) -> str:
    """Return how shells in several languages say that there is no such command."""
    word = r"(?:command |commande |befehl |kommando |comando |orden |polecenie )?"
    gone = (
        r"(?:not found|introuvable|(?:wurde )?nicht gefunden|no encontrad|no se encontr|n.o"
        r" encontrado|non trovato|nie znaleziono|(?:is |was )?not"
        r" (?:recogni[sz]ed|found|installed))"
    )
    return (
        rf"\b{name}\b\W{{0,4}}{word}{gone}|(?:unknown command|command not found|inconnue|no"
        rf" command)\W{{1,4}}{name}\b|exec\w*\W{{1,4}}.{{0,20}}\b{name}\b.{{0,40}}(?:not found|no"
        rf" such file)|\b(?:env|make|sh|bash|xargs|sudo|command|directory):"
        rf" ['\"\u2018]?{name}\b.{{0,4}}:? ?"
        rf"(?:no such file|command not found|$)|(?:no such file or"
        rf" directory|ENOENT)\W{{1,4}}{name}\b|term .?{name}.? (?:is|was) not"
    )


ROWS = (
    Diagnosis(
        "no-scone",
        "the shell finds no command scone",
        "the command is not on the PATH, or it is an alias that this shell does not have: aliases"
        " are not there in scripts, nor in a shell that was open before the alias was set",
        "Type type -a scone. With SCONE's image: set the alias of exercise 0 (it is kept in"
        " ~/.scone/alias) and open a new shell, or read it in the script: shopt -s expand_aliases;"
        " . ~/.scone/alias. With casnb: activate the environment in which it is installed",
        "nothing",
        (
            Wording("bash", "bash: scone: command not found", _absent("scone")),
            Wording("zsh", "zsh: command not found: scone", r"command not found: scone\b"),
        ),
        source=_FIRST,
    ),
    Diagnosis(
        "no-casnb",
        "the shell finds no command casnb",
        "casnb is not installed, or in an environment that is not active",
        "Activate it (. .venv/bin/activate), or call python -m casnb.cli.main",
        "nothing",
        (Wording("bash", "bash: casnb: command not found", _absent("casnb")),),
    ),
    Diagnosis(
        "docker-socket",
        "docker is there, and you may not use it",
        "the docker service is not running, or your user may not talk to it",
        "Start it (systemctl start docker), and add yourself to the group docker (then log in"
        " again)."
        " Whoever may use docker is root on that machine",
        "users who would become root",
        (
            Wording(
                "docker",
                "permission denied while trying to connect to the Docker daemon socket",
                r"docker daemon socket|docker\.sock\b|(?:cannot|could not|failed to) connect to the"
                r" docker (?:daemon|API)|docker daemon (?:is )?(?:not )?running",
            ),
        ),
    ),
    Diagnosis(
        "registry",
        "the registry does not hand the image out",
        "SCONE's images need an account and a login, or the name of the image has a slip: the"
        " registry gives one answer to both",
        "Register at gitlab.scontain.com, then docker login registry.scontain.com with an access"
        " token that may read the registry. The lessons of casnb need no image",
        "images that are not for everybody",
        (
            Wording(
                "docker",
                "Error response from daemon: pull access denied for"
                " registry.scontain.com/sconecuratedimages/sconecli, repository does not exist"
                " or may require 'docker login'",
                r"pull access denied|may require .?docker login|registry\.scontain\.com\S*.{0,80}"
                r"(?:denied|unauthori[sz]ed|forbidden|not found)|denied: access forbidden|"
                r"unauthorized: (?:HTTP Basic|authentication"
                r" required)|ErrImagePull|ImagePullBackOff",
            ),
        ),
        source=_FIRST,
    ),
    Diagnosis(
        "no-docker",
        "the shell finds no docker",
        "the alias scone of the exercises runs the CLI in a container, and docker is not installed"
        " or not on the PATH",
        "Install docker and try docker run hello-world. With casnb no docker is needed",
        "nothing",
        (Wording("bash", "docker: command not found", _absent("docker")),),
        source=_FIRST,
    ),
    Diagnosis(
        "no-tty",
        "docker wants a terminal, and there is none",
        "the alias says docker run -it, and in a script or a pipe there is no terminal",
        "Leave the t out (docker run -i). With it, output ends in CR LF, and hashes that are"
        " compared as text differ",
        "nothing",
        (
            Wording(
                "docker",
                "the input device is not a TTY",
                r"input device is not a TTY|cannot attach stdin to a TTY|not a tty\b",
            ),
        ),
    ),
    Diagnosis(
        "enclave-port",
        "the enclave API, where a client was meant to go",
        "a CAS has two ports: 8081 is the client API, for scone, curl and browsers; 18765 is the"
        " enclave API, for services that start, in a protocol of its own",
        "Use port 8081. 18765 belongs into a service's environment (SCONE_CAS_ADDR), without a"
        " port",
        "nothing: two doors for two kinds of visitor",
        (
            Wording(
                "curl",
                "curl: (7) Failed to connect to cas port 18765 after 0 ms: Connection refused",
                r"^(?!.*using service ID).*(?:curl|connect\w*|connection\w*|refused|timed"
                r" out|https?://|address|dial|socket|port|"
                r"handshake|SSL|TLS)\b.{0,160}\b18765\b|\b18765\b.{0,120}(?:refused|timed out|"
                r"unreachable|wrong version|reset|handshake|SSL|TLS)",
            ),
        ),
        source='public-CAS, "Ports"',
    ),
    Diagnosis(
        "las-port",
        "the attestation service of a machine, where a CAS was meant",
        "18766 is the port of the local attestation service (LAS), which makes quotes for enclaves"
        " on the same machine. It is no CAS and answers no HTTP",
        "For the CAS use port 8081. Where a service needs a LAS: SCONE_LAS_ADDR",
        "nothing: two doors for two kinds of visitor",
        (
            Wording(
                "curl",
                "curl: (7) Failed to connect to cas port 18766 after 0 ms: Connection refused",
                r"^(?!.*using service ID).*(?:curl|connect\w*|connection\w*|refused|timed"
                r" out|https?://|address|dial|socket|port|"
                r"handshake|SSL|TLS)\b.{0,160}\b18766\b|\b18766\b.{0,120}(?:refused|timed out|"
                r"unreachable|wrong version|reset|handshake|SSL|TLS)",
            ),
        ),
        source="SCONE_ENV, las",
    ),
    Diagnosis(
        "connect-to",
        "a port twice in --connect-to",
        "--connect-to takes HOST1:PORT1:HOST2:PORT2; the address that was put in has a port of its"
        " own, so there are five parts",
        "Keep host and port apart: --connect-to cas:8081:$CAS_ADDR:$CAS_PORT, CAS_ADDR without a"
        " port",
        "nothing",
        (
            Wording(
                "curl",
                "curl: (49) Couldn't parse CURLOPT_CONNECT_TO entry 'cas:8081:127.0.0.1:8081:8081'",
                r"curl: \(49\)|parse CURLOPT_CONNECT_TO|connect to host string",
            ),
        ),
        cells=("04-name",),
        source="curl",
    ),
    Diagnosis(
        "usage",
        "the command line is not understood",
        "a flag is misspelled, needs another one, or got no value; a variable that is empty, or a"
        " scrape that found nothing, leaves a gap. Nothing was sent",
        "Put the whole line after casnb explain: it says word by word what is wrong. Quote"
        ' variables: "$MRENCLAVE"',
        "a check that would silently be left out",
        (
            Wording(
                "scone (clap)",
                "error: Found argument '--frobnicate' which wasn't expected, or isn't valid in this"
                " context",
                r"which wasn't expected|unexpected argument|requires a value but none was"
                r" supplied|a"
                r" value is required for|required arguments? (?:was|were) not provided|unrecognized"
                r" subcommand|invalid value .{1,80}for .?<|the argument .{1,80}cannot be used with",
            ),
            Wording(
                "casnb's scone",
                "--mrenclave needs a value and got none. Is a shell variable empty?",
                r"needs a value and got|No such option|missing (?:argument|option|parameter)|"
                r"unexpected extra argument|--only_for_testing[-\w]*: needs|--mrsigner.{0,20}needs|"
                r"no command '",
            ),
        ),
        lets_in="anybody, if the gap is filled with a flag",
        cells=("03-rules",),
    ),
    Diagnosis(
        "argument-file",
        "a file of arguments cannot be used",
        "@FILE stands for the arguments in a file, one a line; the file is not there, names itself,"
        " or holds too many",
        "Look at the file. A word that really begins with @ goes into such a file",
        "nothing",
        (
            Wording(
                "casnb's scone",
                "argument files nested deeper than 8",
                r"argument files? nested|wanted a file with one argument a line",
            ),
        ),
        source="CAS_cli",
    ),
)
