"""The digest scheme: the vectors of RFC 7616 and RFC 2617, and its headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sip.digest import Algorithm, Challenge, Credentials, ha1
from gateway.sip.errors import GrammarError, ValueRefused

# RFC 7616 §3.9.1
REALM = "http-auth@example.org"
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


def credentials(algorithm: Algorithm, response: str = "") -> Credentials:
    return Credentials(
        "Mufasa", REALM, NONCE, "/dir/index.html", response, algorithm, "auth", CNONCE, 1, OPAQUE
    )


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        (Algorithm.MD5, "8ca523f5e9506fed4657c9700eebdbec"),
        (
            Algorithm.SHA_256,
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_rfc_7616_gives_these_responses(algorithm: Algorithm, response: str) -> None:
    secret = ha1("Mufasa", REALM, "Circle of Life", algorithm)
    assert credentials(algorithm).expected(secret, "GET") == response


def test_rfc_2617_gives_this_response() -> None:
    """§3.5"""
    said = Credentials(
        "Mufasa",
        "testrealm@host.com",
        "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "/dir/index.html",
        "",
        qop="auth",
        cnonce="0a4f113b",
        nonce_count=1,
    )
    secret = ha1("Mufasa", "testrealm@host.com", "Circle Of Life", Algorithm.MD5)
    assert said.expected(secret, "GET") == "6629fae49393a05397450978507c4ef1"


def test_rfc_2069_has_no_counts() -> None:
    """Its §2.4 with the erratum: HA1, nonce and HA2 alone."""
    said = Credentials(
        "Mufasa",
        "testrealm@host.com",
        "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "/dir/index.html",
        "",
    )
    secret = ha1("Mufasa", "testrealm@host.com", "CircleOfLife", Algorithm.MD5)
    assert said.expected(secret, "GET") == "1949323746fe6a43ef61f9606e7febea"


# Headers


def test_the_challenge_of_rfc_7616_is_read() -> None:
    value = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, '
        f'nonce="{NONCE}", opaque="{OPAQUE}"'
    )
    assert Challenge.parse(value) == Challenge(
        REALM, NONCE, Algorithm.SHA_256, ("auth", "auth-int"), OPAQUE
    )


@pytest.mark.parametrize(
    ("value", "challenge"),
    [
        ('Digest realm="r",nonce="n"', Challenge("r", "n", qop=())),
        ('digest  REALM = "r" , Nonce="n" , stale=TRUE', Challenge("r", "n", qop=(), stale=True)),
        ('Digest realm="a \\"r\\", b", nonce=n', Challenge('a "r", b', "n", qop=())),
        ('Digest realm="r", nonce="n", algorithm=md5', Challenge("r", "n", qop=())),
        ('Digest realm="r", nonce="n", algorithm=X', Challenge("r", "n", None, qop=())),
    ],
)
def test_a_challenge_is_read(value: str, challenge: Challenge) -> None:
    assert Challenge.parse(value) == challenge


@pytest.mark.parametrize("value", ["Basic realm=x", "NoOneKnowsThisScheme opaque-data=here", ""])
def test_another_scheme_is_none_of_ours(value: str) -> None:
    assert Challenge.parse(value) is None
    assert Credentials.parse(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "Digest ",
        "Digest x",
        'Digest realm="r"',
        'Digest realm="r, nonce="n"',
        'Digest realm="r", nonce="n", nonce="m"',
        'Digest realm="r" nonce="n"',
    ],
)
def test_a_challenge_that_is_none_is_an_error(value: str) -> None:
    with pytest.raises(GrammarError):
        Challenge.parse(value)


@pytest.mark.parametrize("count", ["0000000g", "000000001", "", "-1"])
def test_a_count_that_is_none_is_an_error(count: str) -> None:
    value = str(credentials(Algorithm.MD5, "00")).replace("nc=00000001", f'nc="{count}"')
    with pytest.raises(GrammarError):
        Credentials.parse(value)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_credentials_are_read_as_they_are_written(algorithm: Algorithm) -> None:
    said = credentials(algorithm, "00ff")
    assert Credentials.parse(str(said)) == said


def test_credentials_are_written_as_rfc_7616_has_them() -> None:
    """nc and qop are not in quotes (§3.4)."""
    assert str(credentials(Algorithm.SHA_256, "00")).endswith(", qop=auth, nc=00000001")


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=20)


@given(names, names, st.none() | names, st.booleans(), st.sampled_from([(), ("auth",)]))
def test_any_challenge_is_read_as_it_is_written(
    realm: str, nonce: str, opaque: str | None, stale: bool, qop: tuple[str, ...]
) -> None:
    challenge = Challenge(realm, nonce, Algorithm.SHA_256, qop, opaque, stale)
    assert Challenge.parse(str(challenge)) == challenge


def test_a_realm_of_ours_cannot_end_its_line() -> None:
    with pytest.raises(ValueRefused):
        str(Challenge("r\r\nEvil: 1", "n"))
    with pytest.raises(ValueRefused):
        str(Credentials("u\nEvil: 1", "r", "n", "sip:h", "00"))
