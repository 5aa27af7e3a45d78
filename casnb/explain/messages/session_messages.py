"""What is printed when a session is made, changed, read or compared: one row each."""

from __future__ import annotations

from casnb.tls.diagnosis import Diagnosis, Wording

_2023 = "print-arg-env, rendering of August 2023"

ROWS = (
    Diagnosis(
        "variable",
        "a variable of the template has no value",
        "the session is a template, and one of its variables was given no value. Nothing was sent",
        "Give it: -e NAME=VALUE; or export it and say --use-env. --name does not help: it replaces"
        " the name only after all variables were filled in. A dollar sign that is meant as one is"
        " written \\$",
        "a session with an empty name or an empty measurement",
        (
            Wording(
                "SCONE",
                "name: Value for variable $SESSION is missing at line 3 column 7",
                r"value (?:for|of) (?:the )?variable \$?\{?(?P<variable>\w{1,80})\}? (?:is|was)"
                r" (?:missing|not (?:given|set|defined))(?: at line (?P<line>\d{1,6}))?",
            ),
            Wording(
                "paraphrased",
                "variable $SESSION is not defined",
                r"(?:missing|no|undefined) value (?:given )?for (?:the )?variable \$?"
                r"(?P<variable>\w{1,80})|"
                r"variable \$?\{?(?P<variable_>\w{1,80})\}? (?:is |was |has )?"
                r"(?:missing|undefined|unset|no value|not"
                r" (?:set|defined|given))|(?:undefined|missing|unset) (?:template )?"
                r"variable|value for variable \$",
            ),
        ),
        cells=("05-policy",),
        source="print-arg-env",
    ),
    Diagnosis(
        "session-exists",
        "there is a session of that name already",
        "a session is only created once; each later version has to name the one that it replaces."
        " Either you ran create twice, or the name belongs to somebody else",
        "If it is yours: scone session update FILE, or write predecessor: HASH with the hash that"
        " scone session verify prints. If not, choose another name, in a namespace of your own",
        "a session of yours being replaced by somebody who did not know the version before",
        (
            Wording(
                "SCONE",
                "Session already exists, please specify predecessor hash",
                r"session (?:\S{1,140} |with (?:this|that|the same) name )?(?:already )?exists"
                r"(?! (?:and|or))|specify (?:the |a )?predecessor|session"
                r" name"
                r" (?:is )?(?:already )?taken",
            ),
        ),
        cells=("05-crude", "05-update-without"),
        source=_2023,
    ),
    Diagnosis(
        "stale-predecessor",
        "somebody else was quicker, or this is an old file",
        "the predecessor that the file names is not the current version: the session was changed"
        " since you read it",
        "Read it again (scone session read), see what changed (casnb history NAME), put your change"
        " on top. Do not just fill in the new hash: that throws the other change away",
        "one writer silently undoing what another one wrote",
        (
            Wording(
                "older SCONE, casnb",
                "Could not create successor session. Invalid previous session digest",
                r"invalid previous session digest|could not create successor|(?:wrong|stale|"
                r"outdated|invalid) predecessor|predecessor .{0,40}(?:does not|doesn't) match|"
                r"predecessor (?:hash )?(?:is|was) (?:not (?:the )?current|stale|outdated)",
            ),
        ),
        lets_in="whoever overwrites a policy without having seen it",
        cells=("05-race", "05-retry"),
        source="session pages before 2021",
    ),
    Diagnosis(
        "session-unreadable",
        "no such session, or not for you",
        "the name is wrong, or the policy does not let this client read it, or the CAS was reset."
        " The CAS gives one answer to all three, so that nobody finds out which sessions exist",
        "Compare the name with scone session list. Are you the creator? The key in the CLI's"
        " configuration file is who you are (scone self show-key-hash); --identity FILE is another",
        "somebody finding out which sessions there are",
        (
            Wording(
                "casnb's CAS",
                "Session does not exist or is not visible for this client",
                r"session does not exist or is not (?:visible|readable)|session has no value that",
            ),
            Wording(
                "casnb's CAS",
                "Failed to read session 'name'",
                r"failed to read session|(?:session|policy) .{0,140}\bnot found\b|no such session",
            ),
        ),
        cells=("05-who",),
    ),
    Diagnosis(
        "session-not-updatable",
        "no such session, or not yours to change",
        "there is no session of that name to update, or its policy does not name you under update",
        "Create it first (scone session create), or ask one of those that its access_policy names"
        " under update. Right name, wrong key? scone self show-key-hash says who you are",
        "a policy that anybody could change",
        (
            Wording(
                "casnb's CAS",
                "Session does not exist or may not be updated by this client",
                r"may not be updated by this client|not (?:allowed|permitted|authori[sz]ed) to"
                r" update|failed to update session|no (?:right|permission) to update",
            ),
        ),
        lets_in="anybody, with update: [ANY]",
        cells=("05-who",),
    ),
    Diagnosis(
        "namespace",
        "the namespace is not there, or not open to you",
        "a session a/b needs the session a, in language 0.3, and the right to create sessions in"
        " it;"
        " without create_sessions those may who may update it",
        "Create the namespace first (a session without services, version 0.3), or ask its owner to"
        " name you under create_sessions. A session of language 0.2 is not a namespace",
        "strangers who put sessions under a name that is yours",
        (
            Wording(
                "casnb's CAS",
                "Its namespace does not exist or does not let this client create sessions",
                r"namespace .{0,160}(?:does not exist|not found|missing|does not let|not allowed)|"
                r"not (?:allowed|permitted|authori[sz]ed) to create sessions?|failed to create"
                r" session '[^']{1,200}/",
            ),
        ),
        lets_in="anybody, with create_sessions: [ANY]",
        cells=("05-title",),
        source="namespace (the rule; its message is not public)",
    ),
    Diagnosis(
        "namespace-hash",
        "the namespace is not the version that the file names",
        "namespace_hash pins the version of the parent session, and the parent was changed"
        " since, or"
        " is another one",
        "Read the parent (scone session read) and see what changed before you name its new hash",
        "a parent whose owner changed who may do what",
        (
            Wording(
                "casnb's CAS",
                "The namespace has another hash than namespace_hash says",
                r"namespace_hash|namespace has another hash",
            ),
        ),
        lets_in="whoever may update the parent, without the pin",
    ),
    Diagnosis(
        "busy",
        "the CAS has too much to do",
        "casnb's CAS bounds what it does at a time, so that one client cannot stop the others",
        "Try again in a moment, with fewer requests at once",
        "one client who stops all others",
        (
            Wording("casnb's CAS", "The CAS is busy", r"\bCAS is busy"),
            Wording(
                "casnb's CAS",
                "Too many large sessions at a time: try again soon",
                r"too many large sessions",
            ),
        ),
    ),
    Diagnosis(
        "quota",
        "you have stored all that you may",
        "casnb's CAS keeps every version of every session for good, so it bounds how much one"
        " client"
        " stores",
        "Use another seed or state folder for a new lesson: casnb serve --state DIR",
        "a disk filled by one client",
        (
            Wording(
                "casnb's CAS",
                "This client has stored 10 versions, 20 bytes in all; it may store 10, and 30"
                " bytes",
                r"has stored \S+ versions.{0,60}it may store",
            ),
        ),
    ),
    Diagnosis(
        "creator",
        "the session says CREATOR, and you are not",
        "the file carries a creator with another key (it was read back from a CAS where somebody"
        " else had uploaded it), or the policy says CREATOR and no client certificate was sent",
        "Take creator: out of the file, the CAS adds you. With curl, send --cert and --key",
        "a session uploaded in somebody else's name",
        (
            Wording(
                "casnb's CAS",
                "The session names a creator with another key than this client's",
                r"creator with another key|access policy says CREATOR",
            ),
            Wording("casnb's CAS", "Client certificate cannot be used"),
        ),
        cells=("05-who",),
    ),
    Diagnosis(
        "session-differs",
        "the file is not what the CAS has",
        "the hash of your file is not that of the current version: one of the two was changed."
        " Spaces and order do not count, every value does, the creator too",
        "Look at the difference: scone session read NAME against your file, casnb history NAME for"
        " what was there before. Do not go on with a session you have not understood",
        "working with a policy that somebody changed behind your back",
        (
            Wording(
                "casnb's scone",
                "Verifying session failed",
                r"verif(?:ying|ication of) (?:the )?session failed|file's hash is .{1,90}the CAS"
                r" has|"
                r"session hash(?:es)? .{0,60}(?:differ|mismatch|(?:does|do) not match)",
            ),
        ),
        cells=("05-hash", "05-claim-hash"),
    ),
    Diagnosis(
        "session-warnings",
        "the session is valid and gives cause for concern",
        "--fail-on-warning turns warnings into errors; each warning below names a member that gives"
        " something away",
        "Read each warning; mend the session. Leaving the option out only silences the message",
        "a policy that is weaker than its author thinks",
        (
            Wording(
                "casnb's scone",
                "gives warnings, and --fail-on-warning was set",
                r"fail-on-warning was set|gives warnings, and",
            ),
        ),
        cells=("05-tolerate",),
    ),
    Diagnosis(
        "language-01",
        "a session of language 0.1",
        "digest, tags, exports, board_members and the like belong to language 0.1, which the CASes"
        " of today do not read; without a version: line 0.1 is what a file is taken for",
        'Write version: "0.3" and the new members: predecessor instead of digest, access_policy'
        " instead of a board",
        "a policy that is read by other rules than its author had in mind",
        (
            Wording(
                "casnb's scone",
                "This is session language 0.1",
                r"(?:language|version) 0\.1\b|unknown (?:field|member|key)\W{1,3}(?:digest|tags|"
                r"exports|board_(?:members|policy))\b",
            ),
        ),
        source="CAS_session_lang_0_3",
    ),
    Diagnosis(
        "old-success",
        "a success, as CASes before 2021 printed it",
        "the session was created; newer CASes answer with its hash in JSON",
        "Nothing to mend. A script that looks for these words will find nothing on a newer CAS:"
        " take the hash",
        "nothing",
        (Wording("older SCONE", "Created Session[id=", r"created session\[id="),),
        source="session pages before 2021",
    ),
    Diagnosis(
        "template-parent",
        "the session file could not be read as a session",
        "the file is not a session: this line names the file, the one below says what is wrong, and"
        " where",
        "Read the line below: it names member, line and column. scone session check FILE tries it"
        " without a CAS",
        "a policy that means something else than it says",
        (
            Wording(
                "SCONE",
                "Parsing session from session template file 'session.yml' failed",
                r"parsing session from (?:session )?template|failed to parse session|session"
                r" (?:template|file|description) .{0,120}(?:could not be parsed|is (?:not valid|"
                r"invalid)|malformed)",
            ),
        ),
        cells=("05-policy",),
        source="print-arg-env",
        parent=True,
    ),
    Diagnosis(
        "session-parent",
        "the CAS did not do what was asked with a session",
        "creating, updating, reading or listing failed; this line says only that, and the one with"
        " the HTTP status says that a CAS answered: the network is fine",
        "Read the last line of the message, and give that one to casnb why",
        "nothing by itself",
        (
            Wording(
                "SCONE",
                "Creating session failed",
                r"(?:creating|updating|reading|listing|uploading) (?:the )?sessions?"
                r" failed|failed to"
                r" create session",
            ),
            Wording(
                "casnb's scone",
                "Signing session failed",
                r"(?:signing|encrypting|reading (?:the )?signed) session(?: '[^']{0,300}')? failed|"
                r"asking for the session encryption key failed",
            ),
            Wording(
                "SCONE",
                "CAS at 'https://scone-cas.cf:8081/' returned HTTP error status code 400 Bad"
                " Request",
                r"returned (?:an )?HTTP error(?: status)?(?: code)?",
            ),
        ),
        cells=("05-crude",),
        source=_2023,
        parent=True,
    ),
)
