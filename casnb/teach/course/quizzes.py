"""Choices in the flow of the lessons: each wrong sentence has its answer at once."""

from __future__ import annotations

from casnb.teach.course.judges import Option
from casnb.teach.course.questions import Question, no


def _ask(id: str, after: str, question: str, right: str, why: str, *wrong: Option) -> Question:
    """Return a question; `right` is the right sentence, and `why` is said of it."""
    return Question(id, after, question, (Option(right), *wrong), why)


QUESTIONS = (
    _ask(
        "00.curl-k",
        "00-same-face",
        "You connect with `curl -k` and get a sensible answer. What do you know?",
        "That the connection is encrypted to somebody.",
        "Yes, and that is all.",
        no(
            "That the CAS is the right one.",
            "right-one",
            "The liar above answered just as sensibly.",
            "a sensible answer shows who answers",
        ),
        no(
            "That nobody on the way can read along.",
            "nobody-reads",
            "Whoever answered reads all of it, and may stand on the way.",
            "encryption to anybody keeps everybody out",
        ),
    ),
    _ask(
        "00.still-wrong",
        "00-tempting-again",
        "The MRENCLAVE in the report equals the one on the page. What may still be wrong?",
        "Firmware, debug mode, or where the page's number came from.",
        "Yes. A measurement names code; it does not protect its memory.",
        no(
            "Nothing.",
            "nothing",
            "Then the refusal that follows would be a mistake.",
            "an equal MRENCLAVE settles everything",
        ),
        no(
            "The code: it may differ in places that are not measured.",
            "unmeasured-code",
            "All of the code is measured, page by page.",
            "parts of the code are not measured",
        ),
    ),
    _ask(
        "00.whose-word",
        "00-wrong-root-why",
        "Whose word does the verdict never rest on?",
        "The host's.",
        "Yes. The host passes everything on, and nothing it says is believed.",
        no(
            "Intel's.",
            "intels",
            "Without its endorsements nobody could tell a real CPU from a program that plays one.",
            "Intel's word is not used",
        ),
        no(
            "The page's.",
            "pages",
            "The expected value is the page's word, and the verdict rests on it.",
            "the page's word is not used",
        ),
    ),
    _ask(
        "01.form",
        "01-crude-silent",
        "A scraper returns 64 hex digits. What does that tell you?",
        "That something of the right form was found.",
        "Yes. Whose value it is has to be shown by the row it stands in.",
        no(
            "That the scrape worked.",
            "worked",
            "On the layout of 2021-10 the form was right and the value was not.",
            "the right form is the right value",
        ),
        no(
            "That the page was not altered.",
            "unaltered",
            "An altered value has the same form.",
            "the form shows that nobody changed a value",
        ),
    ),
    _ask(
        "01.no-row",
        "01-break-unknown",
        "The page shows no value for your host. What should a script do?",
        "Stop, and say which row is missing.",
        "Yes. A refusal costs a minute; a guess costs the whole attestation.",
        no(
            "Take the newest release from another row.",
            "newest",
            "Then it attests other code than you meant, and reports success.",
            "another row will do where the own one is missing",
        ),
        no(
            "Attest without an MRENCLAVE.",
            "without",
            "Then nothing says which code answers.",
            "no expectation is better than a refusal",
        ),
    ),
    _ask(
        "01.two-sources",
        "01-tls",
        "Page and example command agree on the value. Two sources?",
        "No, one source, twice.",
        "Right. A second source is one that another party controls.",
        no(
            "Yes: they are written separately.",
            "separately",
            "Both stand on one page. Whoever changes one changes both.",
            "two places on one page are two sources",
        ),
        no(
            "Yes, if both were fetched over TLS.",
            "over-tls",
            "TLS says that both came from that server unchanged. It is one server.",
            "TLS makes two sources of one",
        ),
    ),
    _ask(
        "02.consistent",
        "02-claim-root",
        "The signature over the report holds. Is the report genuine?",
        "Only if its key chains to a root I chose.",
        "Yes. That is the difference between consistent and genuine.",
        no(
            "Yes.",
            "yes",
            "The key came with the report. First it must chain to a root that you had before.",
            "a signature that holds makes a report genuine",
        ),
        no(
            "Yes, if the certificate names Intel.",
            "names-intel",
            "Anybody may write that name into a certificate.",
            "a name in a certificate is proof",
        ),
    ),
    _ask(
        "02.swapped-chain",
        "02-claim-binding",
        "Somebody swaps the certificate chain in `additional_data`. What breaks?",
        "The hash in report_data.",
        "Yes. Evidence names the channel it speaks for.",
        no(
            "The signature of the attestation service.",
            "service-signature",
            "It does not cover that part. It covers the body, and the body is untouched.",
            "the service's signature covers the certificates",
        ),
        no(
            "MRENCLAVE.",
            "mrenclave",
            "The certificates are no part of the code.",
            "certificates are measured",
        ),
    ),
    _ask(
        "03.line",
        "03-rung-3-run",
        "`scone cas attest` prints *is trustworthy*. Were there waivers?",
        "The line alone does not tell.",
        "Right. Look at the waivers, or at the flags in the command.",
        no(
            "No, otherwise it would say so.",
            "would-say",
            (
                "It does say so, on standard error. The line on standard output is the same"
                " either way."
            ),
            "the printed line tells of waivers",
        ),
        no(
            "Yes: this CAS always needs three.",
            "always",
            "Which flags were set is not in that line.",
            "the line implies the flags of the lesson",
        ),
    ),
    _ask(
        "03.other-code",
        "03-two-questions",
        "Which flag lets other code in?",
        "--only_for_testing-trust-any",
        "Yes. It switches off the one check that stands for the code.",
        no(
            "--only_for_testing-ignore-signer",
            "ignore-signer",
            "Not by itself: MRENCLAVE is still compared, and becomes mandatory.",
            "ignore-signer lets other code in",
        ),
        no(
            "--only_for_testing-debug",
            "debug",
            "The code stays the same; its memory is open to the host.",
            "debug lets other code in",
        ),
    ),
    _ask(
        "04.moves",
        "04-claim-pin",
        "The CAS moves to another machine and keeps its keys. What changes for your scripts?",
        "The second half of --connect-to.",
        "Yes. Where it listens is one thing, who it is another.",
        no(
            "The certificate file.",
            "file",
            "No. It names keys, and they moved along.",
            "a certificate belongs to a machine",
        ),
        no(
            "The URL.",
            "url",
            "The URL names cas, whatever the address is.",
            "the URL names the machine",
        ),
    ),
    _ask(
        "04.waived-pin",
        "04-chain-why",
        "Why is a certificate that you pinned with waivers no reason to store a secret later?",
        "Whoever used the waived hole may hold its key.",
        "Yes. The host of a debug enclave reads the key, and serves what it likes under your pin.",
        no(
            "It expires.",
            "expires",
            "It is valid for two thousand years. That is not the trouble.",
            "a pin wears out with time",
        ),
        no(
            "A pin works once only.",
            "once",
            "It works until the keys change.",
            "a pin is for one connection",
        ),
    ),
    _ask(
        "04.limits",
        "04-claim-agree",
        "The root is CA:TRUE, valid to 4096, and has no limit on names. What keeps it from vouching"
        " for your bank?",
        "Where you put the file.",
        (
            "Yes. One tool, one call. In the system's store its key could sign for"
            " everybody you talk to."
        ),
        no(
            "Its name: it says `cas`.",
            "name",
            "No. An authority's own name limits nothing; it may sign for any name.",
            "an authority signs for its own name alone",
        ),
        no(
            "Browsers know only public authorities.",
            "browsers",
            "They know what is in the store, and that is up to who fills it.",
            "software ignores authorities that are not public",
        ),
    ),
    _ask(
        "05.name-first",
        "05-claim-twice",
        "Why does the script keep the name before it creates the session?",
        "Killed in between, it finds its own session again.",
        "Yes. The other way round a session stays behind under a name that nobody knows.",
        no(
            "Because files are quicker than a CAS.",
            "quicker",
            "Time does not matter here. Think of a script that is killed between two lines.",
            "the order of the two is about speed",
        ),
        no(
            "Because the CAS wants to know the file.",
            "cas-wants",
            "The CAS sees the session and nothing else.",
            "a CAS sees the client's files",
        ),
    ),
    _ask(
        "05.closed",
        "05-explorer-run",
        "You close a session that was open to anybody for an hour. What is private again?",
        "Nothing that was in it. It has to be replaced.",
        "Yes. Only a value that the CAS makes up afresh is secret again.",
        no(
            "Its former text: the CAS no longer shows it.",
            "former-text",
            "The CAS does not. Whoever read it in that hour still has it.",
            "closing makes private what was read",
        ),
        no(
            "Its values, though not its text.",
            "values",
            "The text held the values, and it was open.",
            "closing makes values private again",
        ),
    ),
    _ask(
        "05.too-late",
        "05-claim-retry",
        "Your update came too late: *Invalid previous session digest*. What do you send next?",
        "The current text with your change in it, and its hash.",
        "Yes. The hash of the predecessor shows that you have seen what you replace.",
        no(
            "The same text, with the current hash as predecessor.",
            "new-hash-old-text",
            "It is accepted, and undoes what the other one changed: your text was made from"
            " the version"
            " before.",
            "the right hash makes an old text current",
        ),
        no(
            "The same text again, until it is accepted.",
            "again",
            "Its predecessor stays wrong, however often it is sent.",
            "a refused update may be sent again as it is",
        ),
    ),
    _ask(
        "05.who-else",
        "05-claim-values",
        "Nobody may read a value, not even you. Who else could, with this lab's CAS?",
        "The host: this CAS is a debug enclave.",
        "Yes. You waived that check, and every policy rests on it.",
        no(
            "Nobody. The policy says so.",
            "policy-says",
            "A policy binds the CAS. Whoever reads the CAS's memory is bound by nothing.",
            "a policy binds the host",
        ),
        no(
            "Intel.",
            "intel",
            "Intel has no way into the memory of that machine.",
            "Intel can read enclave memory",
        ),
    ),
    _ask(
        "06.stays",
        "06-relay-predict",
        "A debug CAS is attested, its certificate saved. Next week a production CAS"
        " runs at the same"
        " address. May the file stay?",
        "No.",
        "Right. Attest the new one and export its certificate.",
        no(
            "Yes, the names in it are the same.",
            "same-names",
            "They are the same in every CAS. The debug CAS's key is its host's, and answers for the"
            " production CAS too.",
            "equal names make an old pin good",
        ),
        no(
            "Yes, until it expires.",
            "until-expiry",
            "It names a key that its host may hold, for as long as you pin it.",
            "a pin is good until it expires",
        ),
    ),
    _ask(
        "07.signer-alone",
        "07-claim-by-hand",
        "`--mrsigner` without `--isvprodid` and `--isvsvn`. What happens?",
        "The command refuses the call.",
        "Yes. It is not a verdict: nothing was fetched.",
        no(
            "Any product and any release of that signer is accepted.",
            "any-product",
            "That is what it would mean, and so the command refuses to be called like this.",
            "the signer alone may be named",
        ),
        no(
            "The defaults for the two are taken.",
            "defaults",
            "Nothing is filled in: the three belong together.",
            "missing parts are filled in",
        ),
    ),
    _ask(
        "07.not-run",
        "07-claim-matrix",
        "A result is trustworthy, and `mrenclave` is NOT RUN. Is that a waiver?",
        "No.",
        "Right. The policy names the code by its signer instead. Whether that is enough is for"
        " you to say.",
        no(
            "Yes.",
            "yes",
            "A waiver is a check that was asked for, and that a flag switched off.",
            "a check that nobody asked for is a waiver",
        ),
        no(
            "It cannot be: without MRENCLAVE nothing is trustworthy.",
            "cannot-be",
            "A signer, a product and a version name code as well.",
            "only MRENCLAVE makes a CAS trustworthy",
        ),
    ),
    _ask(
        "08.how-many-sources",
        "08-claim-by-hand",
        "Image and page agree. Both come from the vendor's web server. How many sources are that?",
        "One.",
        "Yes. Independence is what makes a second source worth something.",
        no("Two.", "two", "Whoever holds the server writes both.", "two files are two sources"),
        no(
            "None: a page is not a source.",
            "none",
            "It is one, as good as who holds the server.",
            "a page is not a source at all",
        ),
    ),
    _ask(
        "08.good-code",
        "08-claim-signed",
        "The measurement is right and the signature holds. Is the code good?",
        "That was not asked.",
        "Yes. It is this code; whether you want it is for you to say.",
        no(
            "Yes, the vendor vouches for it.",
            "vouched",
            "Measuring says which code it is. Old releases with known holes are signed as well.",
            "what the vendor signed is good",
        ),
        no(
            "No: nothing that is measured can be good.",
            "never",
            "It may be. No measurement says so.",
            "measured code is suspicious",
        ),
    ),
)
