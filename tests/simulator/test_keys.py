"""Keys of a simulated world: the same each time, different for each label, and never shown."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from casnb.simulator.keys import P256_ORDER, KeyPair, Seed, packaged, sign, sign_raw
from casnb.simulator.world import World


def test_ecdsa_is_rfc_6979():
    """The signature of the RFC's own example (A.2.5, P-256, SHA-256, `sample`) comes out."""
    key = ec.derive_private_key(
        0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1()
    )
    assert (
        sign_raw(key, b"sample").hex()
        == "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    )


def test_a_seed_gives_the_same_key_each_time_and_another_for_another_label():
    """Key, octets and serial follow from text and label, and from nothing else."""

    def made(text: str, label: str) -> tuple[int, bytes, int]:
        seed = Seed(text)
        return (
            seed.p256(label).private_numbers().private_value,
            seed.octets(label, 40),
            seed.serial(label),
        )

    assert made("a", "one") == made("a", "one")
    assert len({n for text in "ab" for label in ("one", "two") for n in made(text, label)}) == 12


def test_serials_fit_x509():
    """Twenty bytes stay positive and below 2**159; eight may use all their bits."""
    seed = Seed("serials")
    assert all(0 < seed.serial(str(n)) < 1 << 159 for n in range(50))
    assert any(seed.serial(str(n), 8) >> 63 for n in range(20))


def test_scalars_are_in_range():
    """Every derived scalar is from 1 to n-1."""
    assert all(
        0 < Seed(str(n)).p256("k").private_numbers().private_value < P256_ORDER for n in range(20)
    )


@pytest.mark.parametrize(
    "name, bits, exponent",
    [
        pytest.param("vendor_signer", 3072, 3, id="vendor"),
        pytest.param("test_signer", 3072, 3, id="test"),
        pytest.param("owner_signer", 3072, 3, id="owner"),
        pytest.param("ias_root", 3072, 65537, id="ias-root"),
        pytest.param("ias_leaf", 2048, 65537, id="ias-leaf"),
    ],
)
def test_packaged_keys_have_the_form_their_use_wants(name, bits, exponent):
    """SIGSTRUCT wants RSA-3072 with exponent 3; IAS signs with RSA-2048 under RSA-3072. The
    numbers belong together.
    """
    key = packaged(name)
    numbers = key.private_numbers()
    assert key.key_size == bits
    assert numbers.public_numbers.e == exponent
    assert numbers.p * numbers.q == numbers.public_numbers.n
    assert sign(key, b"x") == sign(key, b"x")


def test_packaged_keys_say_that_they_are_public():
    """Whoever opens one of the files reads first that nothing signed with it proves anything."""
    from importlib.resources import files

    folder = files("casnb.simulator.keys")
    pems = [f for f in folder.iterdir() if f.name.endswith(".pem")]
    assert len(pems) == 5
    for pem in pems:
        assert pem.read_text().startswith("SIMULATED and public")
        assert "Never trust" in pem.read_text()
        assert f"`{pem.name}`" in (folder / "README.md").read_text()


def test_a_key_pair_does_not_show_its_private_key():
    """`repr` names the certificate only."""
    pair = World("quiet").cas_root
    assert isinstance(pair, KeyPair)
    secret = pair.key.private_numbers().private_value
    assert str(secret) not in repr(pair)
    assert "PrivateKey" not in repr(pair)
