import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.secrets import (
    DECOY,
    hash_password,
    hash_secret,
    is_scrypt,
    signing_key,
    verify,
)

SALT = bytes(range(16))


@given(st.text())
def test_a_secret_matches_its_own_hash(secret: str) -> None:
    assert verify(secret, hash_secret(secret))


def test_another_secret_does_not_match() -> None:
    assert not verify("b", hash_secret("a"))


def test_a_password_matches_its_own_hash() -> None:
    assert verify("demopass", hash_password("demopass", SALT))


def test_another_password_does_not_match() -> None:
    assert not verify("demopast", hash_password("demopass", SALT))


def test_the_salt_makes_equal_passwords_differ() -> None:
    assert hash_password("demopass", SALT) != hash_password("demopass", SALT[::-1])


def test_the_vector_of_rfc_7914_is_met() -> None:
    """§12, the second vector; ours keep 32 of its 64 octets."""
    derived = hashlib.scrypt(b"password", salt=b"NaCl", n=1024, r=8, p=16, dklen=32)
    assert derived.hex() == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"


def test_the_parameters_are_those_of_the_hash_and_not_of_today() -> None:
    derived = hashlib.scrypt(b"password", salt=b"NaClNaCl", n=1024, r=8, p=2, dklen=32)
    assert verify("password", f"scrypt$1024$8$2${b'NaClNaCl'.hex()}${derived.hex()}")


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "demopass",
        "sha256$00",
        "md5$" + "0" * 32,
        "scrypt$16384$8$1$00$00",
        f"scrypt$16383$8$1${'00' * 16}${'00' * 32}",
        f"scrypt$0$8$1${'00' * 16}${'00' * 32}",
        f"scrypt$16384$8$1${'0' * 17}${'00' * 32}",
        f"scrypt$16384$8$999${'00' * 16}${'00' * 32}",
        f"scrypt$67108864$8$1${'00' * 16}${'00' * 32}",
    ],
)
def test_what_is_no_bounded_hash_matches_nothing(stored: str) -> None:
    assert not is_scrypt(stored)
    assert not verify("demopass", stored)


def test_the_decoy_costs_as_much_as_a_real_hash() -> None:
    assert DECOY.split("$")[:4] == hash_password("x", SALT).split("$")[:4]


def test_a_secret_that_is_no_character_only_fails_to_match() -> None:
    assert not verify("\udcff", hash_secret("a"))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "secret",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ",
        "whsec_?",
        "whsec_" + "QUFB" * 22,
    ],
    ids=["none", "no base64", "no prefix", "short", "broken", "long"],
)
def test_secret_of_another_form_signs_nothing(secret: str) -> None:
    assert signing_key(secret) is None
