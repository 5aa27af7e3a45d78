"""What can go wrong between a client and a CAS, as data: wordings of many tools, cause, cure,
what it protects from.
"""

from __future__ import annotations

from collections.abc import Mapping

from casnb.tls.diagnosis import Diagnosis, Wording

#: The DNS name that every CAS's TLS certificate carries, whatever its address.
TLS_NAME = "cas"

_OPENSSL = "curl, openssl, Python"


#: Most telling first: where two fit, the earlier one counts.
DIAGNOSES: Mapping[str, Diagnosis] = {
    d.id: d
    for d in (
        Diagnosis(
            "not-visible",
            "the CAS answered: no such value for you",
            "the session name or the value name is wrong, or the value is not public, or the CAS"
            " was reset and the session is gone. The CAS does not say which, and TLS is fine",
            "Compare both names with the session. If they are right, create the session again"
            " (scone session create)",
            "somebody finding out which secrets exist",
            (
                Wording(
                    "CAS",
                    "Secret does not exist or is not visible for a public client",
                    "does not exist or is not visible|not visible for a public client",
                ),
                Wording("CAS", "Failed to read value 'example_value'", "Failed to read value"),
            ),
        ),
        Diagnosis(
            "method",
            "the CAS does not offer this method",
            "values are answered to GET alone, so HEAD (curl -I) gets 405 whether or not the value"
            " exists",
            "Ask without -I. A 405 proves nothing about the value",
            "nothing: it is not an access check",
            (
                Wording(
                    "curl -I",
                    "HTTP/1.1 405 Method Not Allowed",
                    r"\b405 Method|HTTP/[\d.]+ 405|status code 405",
                ),
            ),
        ),
        Diagnosis(
            "proxy",
            "a proxy stands in the way",
            "the request went to a proxy that the environment names (HTTPS_PROXY, ALL_PROXY), and"
            " the proxy did not pass it on: not the CAS refused",
            "Leave the proxy out for the CAS (curl: --noproxy '*'; requests: session.trust_env ="
            " False; else NO_PROXY=cas,localhost), or ask whoever runs it to let port 8081 through",
            "nothing here: behind a proxy that passes TLS on, the certificate is checked all the"
            " same",
            (
                Wording(
                    "curl",
                    "curl: (56) CONNECT tunnel failed, response 403",
                    "CONNECT tunnel failed",
                ),
                Wording(
                    "curl",
                    "curl: (56) Received HTTP code 407 from proxy after CONNECT",
                    r"HTTP code \d{3} from proxy",
                ),
                Wording(
                    "curl", "curl: (5) Could not resolve proxy", r"curl: \((?:5|97)\)|resolve proxy"
                ),
                Wording(
                    "requests",
                    "ProxyError('Unable to connect to proxy')",
                    r"ProxyError|Tunnel connection failed",
                ),
            ),
        ),
        Diagnosis(
            "client-certificate",
            "the server wants a certificate of yours",
            "the server asks for a client certificate and got none, or none that it accepts. A CAS"
            " itself takes any and none in TLS",
            "Is it the CAS's port, 8081? Where it is, give your key and certificate (curl: --cert"
            " and --key)",
            "a client that is not allowed in",
            (
                Wording(
                    "curl",
                    "curl: (58) could not load PEM client certificate",
                    r"curl: \(58\)|client certificate, OpenSSL error",
                ),
                Wording(
                    _OPENSSL,
                    "tlsv13 alert certificate required",
                    "alert[_ ]certificate[_ ]required",
                ),
            ),
        ),
        Diagnosis(
            "http-to-tls",
            "plain HTTP was sent to the TLS port",
            "the URL begins with http://, and a CAS speaks HTTPS only",
            "Begin the URL with https://",
            "a request that everybody on the way can read and change",
            (
                Wording("casnb's simulator", "This port speaks HTTPS only"),
                Wording("nginx", "The plain HTTP request was sent to HTTPS port"),
                Wording("Go server", "Client sent an HTTP request to an HTTPS server"),
            ),
        ),
        Diagnosis(
            "plain",
            "the port does not speak TLS",
            "what answers there is no TLS, perhaps plain HTTP: the wrong port, or a proxy in"
            " between",
            "Use the client port, 8081. Do not change the URL to http://",
            "sending a request, and what is in it, to a server that proves nothing",
            (
                Wording("curl, Python", "wrong version number", "wrong[_ ]version[_ ]number"),
                Wording(
                    "Python ssl",
                    "[SSL: HTTP_REQUEST] http request",
                    r"SSL: HTTP_REQUEST|:http request\b",
                ),
                Wording("OpenSSL 1.1", "packet length too long", "packet[_ ]length[_ ]too[_ ]long"),
                Wording(
                    "OpenSSL 3.2 and later", "record layer failure", "record[_ ]layer[_ ]failure"
                ),
                Wording(
                    "OpenSSL 1.0",
                    "SSL23_GET_SERVER_HELLO:unknown protocol",
                    "GET_SERVER_HELLO:unknown protocol",
                ),
                Wording("GnuTLS", "An unexpected TLS packet was received"),
                Wording("Windows", "SEC_E_INVALID_TOKEN (0x80090308)", "SEC_E_INVALID_TOKEN"),
                Wording("Go", "first record does not look like a TLS handshake"),
                Wording("Go", "server gave HTTP response to HTTPS client"),
            ),
        ),
        Diagnosis(
            "wrong-key",
            "the certificates of another CAS",
            "another CAS's certificates were given: names are the same in every CAS, the keys are"
            " not, so an issuer was found and its key does not fit the signature",
            "Is this the CAS you attested? Attest the one at this address again and export its"
            " certificates again (scone cas show-certificate > cas_cert.crt). Do not reach for -k",
            "talking to another CAS, or to somebody who calls himself cas",
            (
                Wording(
                    "curl with LibreSSL or BoringSSL",
                    "error:0DFFF006:asn1 encoding routines:CRYPTO_internal:EVP lib",
                    "EVP lib",
                ),
                Wording(
                    "curl with OpenSSL 3",
                    "error:06880006:asn1 encoding routines::EVP lib",
                    "asn1 encoding routines",
                ),
                Wording(
                    "curl with OpenSSL 1.1",
                    "error:0D0C5006:asn1 encoding routines:ASN1_item_verify:EVP lib",
                    "ASN1_item_verify",
                ),
                Wording(
                    "openssl, Python",
                    "certificate signature failure",
                    "certificate signature failure|bad signature",
                ),
                Wording("rustls", "invalid peer certificate: BadSignature", "BadSignature"),
                Wording(
                    "Go",
                    "x509: ECDSA verification failure",
                    "(?:ECDSA|RSA) verification (?:failure|error)",
                ),
            ),
            (7, 30, 31),
        ),
        Diagnosis(
            "name",
            "the certificate is for another name",
            "the certificate is not for this host name: it says cas and localhost, and perhaps more"
            " from its operator, and the URL says something else",
            f"Connect for the name {TLS_NAME!r}, to any address (curl: --connect-to"
            f" {TLS_NAME}:8081:ADDRESS:8081 https://{TLS_NAME}:8081/...)",
            "a server with a good certificate of its own, for another name",
            (
                Wording(
                    "curl",
                    "no alternative certificate subject name matches target host name",
                    "no alternative certificate subject name|not match target host"
                    " name|subjectAltName does not match",
                ),
                Wording(
                    "Python",
                    "Hostname mismatch, certificate is not valid for",
                    "hostname mismatch|IP address mismatch|doesn't match",
                ),
                Wording("Windows", "SEC_E_WRONG_PRINCIPAL (0x80090322)", "SEC_E_WRONG_PRINCIPAL"),
                Wording("GnuTLS", "The name in the certificate does not match the expected"),
                Wording("rustls", "invalid peer certificate: NotValidForName", "NotValidForName"),
                Wording("Node.js", "ERR_TLS_CERT_ALTNAME_INVALID", "CERT_ALTNAME_INVALID"),
                Wording(
                    "Java",
                    "No subject alternative names matching IP address 127.0.0.1 found",
                    "No subject alternative (?:DNS )?names? (?:matching|present)|No name matching"
                    " .{1,200} found",
                ),
                Wording(
                    "Go",
                    "x509: certificate is valid for cas, localhost, not",
                    "x509: certificate is valid for .{0,200}, not|contain any IP SANs",
                ),
            ),
            (62, 63, 64),
        ),
        Diagnosis(
            "expired",
            "a certificate has expired",
            "a certificate has expired, the server's or the attested one",
            "Look at the dates (openssl x509 -dates). Attest the CAS again; it may have renewed its"
            " certificates",
            "a key that leaked long ago",
            (
                Wording(_OPENSSL, "certificate has expired"),
                Wording("Windows", "SEC_E_CERT_EXPIRED (0x80090328)", "SEC_E_CERT_EXPIRED"),
                Wording("rustls", "invalid peer certificate: Expired", "certificate: Expired"),
                Wording("Node.js", "CERT_HAS_EXPIRED"),
                Wording("Go", "x509: certificate has expired or is not yet valid"),
            ),
            (10,),
        ),
        Diagnosis(
            "not-yet",
            "a certificate is not valid yet",
            "a certificate is not valid yet",
            "Is this computer's clock right?",
            "being led to another time",
            (
                Wording(_OPENSSL, "certificate is not yet valid"),
                Wording("rustls", "certificate: NotValidYet", "NotValidYet"),
            ),
            (9,),
        ),
        Diagnosis(
            "strict",
            "Python's stricter rules",
            "the chain lacks key usage or key identifiers, as every CAS chain does, and Python 3.13"
            " and later insists on them",
            "Take ssl.VERIFY_X509_STRICT out of the context's verify_flags, and nothing else",
            "nothing here: signature, name and dates are checked without it too",
            (
                Wording(
                    "Python 3.13",
                    "CA cert does not include key usage extension",
                    "key usage extension",
                ),
                Wording("Python 3.13", "Missing Authority Key Identifier"),
                Wording("Python 3.13", "Missing Subject Key Identifier"),
                Wording(
                    "Python 3.13",
                    "Basic Constraints of CA cert not marked critical",
                    "Basic Constraints of CA cert",
                ),
            ),
            tuple(range(85, 95)),
        ),
        Diagnosis(
            "not-authority",
            "a certificate that may not issue others did",
            "a certificate signed another without being allowed to: somebody used the key of a TLS"
            " certificate to make one more",
            "Do not trust this server. Attest the CAS again, and ask its operator",
            "a stolen TLS key being turned into certificates for any name",
            (
                Wording(_OPENSSL, "invalid CA certificate"),
                Wording("Go", "x509: invalid signature: parent certificate cannot sign"),
            ),
            (24, 79),
        ),
        Diagnosis(
            "incomplete",
            "only a part of the chain was given",
            "the file holds the instance certificate without the root, and this tool wants a chain"
            " that ends in a root",
            "Give the file as scone cas show-certificate writes it, with both certificates",
            "nothing here, since the instance was attested; other tools accept it",
            (Wording(_OPENSSL, "unable to get issuer certificate"),),
            (2,),
        ),
        Diagnosis(
            "unknown-issuer",
            "nobody who is trusted issued it",
            "the server's issuer is not among the certificates that were given: none were given, so"
            " that only the system's authorities count, or the file holds something else, such as"
            " the server's own certificate",
            "Name the attested ones (curl: --cacert cas_cert.crt), and never ones that the server"
            " itself showed you",
            "everybody who is not the CAS you attested",
            (
                Wording(_OPENSSL, "unable to get local issuer certificate"),
                Wording(
                    _OPENSSL,
                    "self-signed certificate in certificate chain",
                    r"self[- ]signed certificate in",
                ),
                Wording(_OPENSSL, "unable to verify the first certificate"),
                Wording("alert of the other side", "tlsv1 alert unknown ca", r"unknown[_ ]ca\b"),
                Wording("GnuTLS", "server certificate verification failed"),
                Wording(
                    "Windows",
                    "SEC_E_UNTRUSTED_ROOT (0x80090325)",
                    "SEC_E_UNTRUSTED_ROOT|CERT_E_UNTRUSTEDROOT",
                ),
                Wording("Java", "PKIX path building failed"),
                Wording("NSS", "Peer's Certificate issuer is not recognized"),
                Wording(
                    "Node.js",
                    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
                    "SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)",
                ),
                Wording(
                    "mbedTLS", "Cert verify failed: BADCERT_NOT_TRUSTED", "BADCERT_NOT_TRUSTED"
                ),
                Wording("rustls", "invalid peer certificate: UnknownIssuer", "UnknownIssuer"),
                Wording("Go", "x509: certificate signed by unknown authority"),
            ),
            (19, 20, 21),
        ),
        Diagnosis(
            "self-signed",
            "a self-made certificate",
            "the server presents a self-made certificate, not one of the attested CAS. Somebody"
            " else may be answering",
            "Are address and port right? Then ask its operator; do not save this certificate and"
            " trust it",
            "anybody, since everybody can make such a certificate",
            (
                Wording(_OPENSSL, "self-signed certificate", "self[- ]signed certificate"),
                Wording("Node.js", "DEPTH_ZERO_SELF_SIGNED_CERT"),
            ),
            (18,),
        ),
        Diagnosis(
            "no-file",
            "no certificates in the file",
            "the file with the certificates is missing, empty or not PEM",
            "Look at it (openssl x509 -in cas_cert.crt -noout -subject). Did the command that wrote"
            " it fail?",
            "going on without the certificates",
            (
                Wording(
                    "curl",
                    "curl: (77) error setting certificate file: cas_cert.crt",
                    r"curl: \(77\)|error setting certificate",
                ),
                Wording("requests", "Could not find a suitable TLS CA certificate bundle"),
                Wording(
                    "Python ssl",
                    "no certificate or crl found",
                    r"no[_ ]certificate[_ ]or[_ ]crl[_ ]found|no start line|\[X509\] PEM lib",
                ),
                Wording(
                    "openssl x509",
                    "Could not read certificate from cas_cert.crt",
                    "Could not (?:read|load|find) (?:PEM|certificate)",
                ),
                Wording("Python, openssl", "No such file or directory", "No such file"),
            ),
        ),
        Diagnosis(
            "not-http",
            "what answers is not HTTP",
            "the server answers with something that is not HTTP",
            "Is the port right?",
            "taking noise for an answer",
            (
                Wording("requests, urllib", "BadStatusLine"),
                Wording("httpx", "illegal status line"),
                Wording("casnb", "something that is not HTTP"),
                Wording(
                    "curl",
                    "curl: (1) Received HTTP/0.9 when not allowed",
                    "HTTP/0.9 when not allowed",
                ),
            ),
        ),
        Diagnosis(
            "cut",
            "the answer was cut off",
            "the answer was cut off before its end",
            "Try again",
            "taking a part for the whole",
            (
                Wording("requests", "IncompleteRead"),
                Wording("casnb", "cut off after"),
                Wording(
                    "curl",
                    "curl: (18) transfer closed with outstanding read data remaining",
                    r"curl: \(18\)",
                ),
            ),
        ),
        Diagnosis(
            "no-host",
            "no such host",
            "there is no such host name",
            "Is the address right, and is a shell variable empty? With --connect-to the address"
            " stands in the third part; that of a simulated CAS is the CAS_ADDR that casnb serve"
            " printed",
            "nothing",
            (
                Wording("curl", "Could not resolve host"),
                Wording(
                    "Python",
                    "Name or service not known",
                    "Name or service not known|servname provided, or not known|getaddrinfo",
                ),
                Wording(
                    "requests",
                    "NameResolutionError",
                    "NameResolution|Temporary failure in name resolution",
                ),
            ),
        ),
        Diagnosis(
            "unreachable",
            "no way there",
            "there is no route to that host, or no network",
            "Is this machine connected, and is the address right?",
            "nothing",
            (Wording("any", "No route to host"), Wording("any", "Network is unreachable")),
        ),
        Diagnosis(
            "refused",
            "nothing listens there",
            "nothing listens there",
            "Is the CAS running, and is the port right? (casnb serve starts a simulated one)",
            "nothing",
            (
                Wording(
                    "Python, openssl",
                    "Connection refused",
                    r"connection refused|actively refused|was refused",
                ),
                Wording("curl", "curl: (7) Failed to connect to cas port 8081", r"curl: \(7\)"),
            ),
        ),
        Diagnosis(
            "timeout",
            "no answer in time",
            "there was no answer in time",
            "Is the address right, and does a firewall let port 8081 through?",
            "waiting for ever",
            (
                Wording("curl", "curl: (28) Connection timed out", r"curl: \(28\)"),
                Wording("Python", "timed out", "timed out|timeout"),
            ),
        ),
        Diagnosis(
            "closed",
            "the connection was closed",
            "the server closed the connection before it had answered",
            "Is it a TLS port, and the right one?",
            "taking half an exchange for an answer",
            (
                Wording(
                    "Python ssl",
                    "EOF occurred in violation of protocol",
                    "EOF occurred|UNEXPECTED_EOF|unexpected eof",
                ),
                Wording(
                    "curl",
                    "curl: (52) Empty reply from server",
                    r"curl: \(5[26]\)|SSL_ERROR_SYSCALL",
                ),
                Wording("requests", "Connection aborted"),
                Wording("httpx", "Server disconnected without sending a response"),
                Wording("any", "Connection reset by peer", "Connection reset"),
                Wording("casnb", "closed before the answer", "closed before|closed connection"),
                Wording("openssl", "unexpected eof while reading"),
            ),
        ),
        Diagnosis(
            "unverified",
            "verification was switched off",
            "the certificate was not looked at, so this works with anybody who answers",
            "Leave -k (--insecure, verify=False) out, and name the attested certificates: --cacert"
            " cas_cert.crt. What came over this connection may have come from somebody else, and"
            " what went over it may be known to them",
            "nothing: this is the dangerous one, because it works",
            (
                Wording("curl", "curl -k", r"\bcurl\b[^|;]*\s(?:-[a-zA-Z]*k\b|--insecure\b)"),
                Wording(
                    "requests",
                    "InsecureRequestWarning: Unverified HTTPS request is being made",
                    "InsecureRequestWarning|Unverified HTTPS",
                ),
                Wording("requests, httpx", "verify=False"),
                Wording("Python ssl", "ssl.CERT_NONE", "CERT_NONE|_create_unverified_context"),
                Wording("wget", "wget --no-check-certificate", "--no-check-certificate"),
            ),
        ),
    )
}

#: Number of an OpenSSL verification error to the diagnosis it means.
BY_CODE: Mapping[int, Diagnosis] = {code: d for d in DIAGNOSES.values() for code in d.codes}
