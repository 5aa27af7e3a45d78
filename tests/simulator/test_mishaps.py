"""Servers that are wrong in one way each: each fails verification for its own reason, and none
is what the CAS is.
"""

from __future__ import annotations

import json
import socket
import ssl
import urllib.request

import pytest

from casnb.base.errors import UsageError
from casnb.cas.client import pinned_context
from casnb.simulator.world import World
from casnb.teach.gallery.mishaps import Mishaps, impostor
from casnb.tls.cas_chain import CasChain
from casnb.tls.exchange import exchange
from casnb.tls.tls_errors import explain_tls_error

MEANS = {
    "foreign": "wrong-key",
    "expired": "expired",
    "early": "not-yet",
    "signed-by-leaf": "not-authority",
    "self-made": "self-signed",
    "plain": "plain",
}


@pytest.fixture(scope="module")
def world() -> World:
    return World("mishaps")


@pytest.fixture(scope="module")
def mishaps(world):
    with Mishaps(world) as found:
        yield found


@pytest.mark.parametrize("kind", MEANS)
def test_each_is_refused_for_its_own_reason(world, mishaps, kind):
    """A client pinned to the CAS refuses each of them, and the refusal means what the server was
    made for.
    """
    context = pinned_context(CasChain.from_pem(world.cas_chain_pem))
    with (
        pytest.raises(OSError) as caught,
        socket.create_connection((mishaps.host, mishaps.port(kind)), 20) as raw,
    ):
        context.wrap_socket(raw, server_hostname="cas").close()
    assert explain_tls_error(caught.value).diagnosis.id == MEANS[kind]


@pytest.mark.parametrize("kind", [k for k in MEANS if k != "plain"])
def test_who_does_not_look_is_served(mishaps, kind):
    """Without verification each answers like a CAS, some with a value that is not the CAS's."""
    context = ssl._create_unverified_context()
    answer = exchange(
        mishaps.host,
        mishaps.port(kind),
        "/v1/values/x",
        context=context,
        tls_name="cas",
        timeout=20,
    )
    assert json.loads(answer.body)["value"] == (
        mishaps.world.example_value if kind in ("expired", "early") else mishaps.world.false_value
    )


def test_plain(mishaps):
    """The one without TLS answers plain HTTP."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(
        f"http://{mishaps.host}:{mishaps.port('plain')}/v1/values/x", timeout=20
    ) as answer:
        assert json.load(answer)["value"] == mishaps.world.false_value


def test_the_impostor_has_the_same_names(world):
    """Another CAS differs in its keys alone."""
    other = impostor(world)
    for name in ("cas_root", "cas_instance", "tls_leaf"):
        ours, theirs = getattr(world, name), getattr(other, name)
        assert ours.cert.subject == theirs.cert.subject and ours.spki != theirs.spki


def test_unknown_kind_and_all_kinds(mishaps):
    """Every kind is tried above; another one is a misuse."""
    assert set(mishaps) == set(MEANS)
    with pytest.raises(UsageError, match="foreign"):
        mishaps.port("frob")


def test_stop(world):
    """After the end nothing listens any more."""
    with Mishaps(world) as found:
        ports = [found.port("plain"), found.port("expired")]
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((found.host, port), 1)
