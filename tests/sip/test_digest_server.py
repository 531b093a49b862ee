"""Challenges and the check of what comes back (RFC 7616 §3.3 to §3.5): time, counts, replays."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.sip.digest import Algorithm, Challenge, Credentials, ha1
from gateway.sip.digest_client import DigestClient
from gateway.sip.digest_server import COUNT_WINDOW, Checked, DigestServer, Verdict
from gateway.sip.message import SipRequest
from tests.sip.messages import request

REALM = "sip.example.com"
NOW = 1_000.0
ACCEPTED = Checked(Verdict.ACCEPTED, "alice")
STALE = Checked(Verdict.STALE, "alice")
CHALLENGE = Checked(Verdict.CHALLENGE)


def ha1_of(username: str, algorithm: Algorithm) -> str | None:
    return ha1(username, REALM, "secret", algorithm) if username == "alice" else None


def server(**bounds: float) -> DigestServer:
    return DigestServer(REALM, b"0" * 32, **bounds)  # type: ignore[arg-type]


def challenge(asking: DigestServer, now: float = NOW, at: int = 0) -> Challenge:
    parsed = Challenge.parse(asking.challenges(now)[at])
    assert parsed is not None
    return parsed


def credentials(
    asked: Challenge, count: int = 1, username: str = "alice", password: str = "secret"
) -> Credentials:
    assert asked.algorithm is not None
    said = Credentials(
        username, REALM, asked.nonce, "sip:h", "", asked.algorithm, "auth", "c", count
    )
    secret = ha1(username, REALM, password, asked.algorithm)
    return replace(said, response=said.expected(secret, "REGISTER"))


def check(asking: DigestServer, said: Credentials | str, now: float = NOW) -> Checked:
    return asking.check([str(said)], "REGISTER", ha1_of, now)


# Challenges


def test_the_stronger_algorithm_is_offered_first() -> None:
    """RFC 8760 §2.3"""
    offered = [Challenge.parse(value) for value in server().challenges(NOW)]
    assert [one and one.algorithm for one in offered] == [Algorithm.SHA_256, Algorithm.MD5]
    assert all(one and one.qop == ("auth",) and not one.stale for one in offered)


def test_no_two_challenges_share_a_nonce() -> None:
    asking = server()
    assert challenge(asking).nonce != challenge(asking).nonce


def test_a_stale_challenge_says_so() -> None:
    assert all("stale=true" in value for value in server().challenges(NOW, stale=True))


# Verdicts


@pytest.mark.parametrize("at", [0, 1])
def test_the_right_password_is_accepted(at: int) -> None:
    asking = server()
    assert check(asking, credentials(challenge(asking, at=at))) == ACCEPTED


def test_a_wrong_password_is_refused() -> None:
    asking = server()
    said = credentials(challenge(asking), password="guess")
    assert check(asking, said) == Checked(Verdict.REFUSED, "alice")


def test_an_unknown_user_is_refused_as_a_wrong_password_is() -> None:
    asking = server()
    said = credentials(challenge(asking), username="eve")
    assert check(asking, said) == Checked(Verdict.REFUSED, "eve")


def test_a_response_of_any_octets_is_refused() -> None:
    said = replace(credentials(challenge(server())), response="\udca9\u0665")
    assert check(server(), said).verdict is Verdict.REFUSED


def test_another_method_is_refused() -> None:
    """HA2 holds the method: what was given for a REGISTER opens no call."""
    asking = server()
    said = credentials(challenge(asking))
    verdict = asking.check([str(said)], "INVITE", ha1_of, NOW).verdict
    assert verdict is Verdict.REFUSED


def test_no_credentials_are_challenged() -> None:
    assert server().check([], "REGISTER", ha1_of, NOW) == CHALLENGE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f'realm="{REALM}"', 'realm="elsewhere"'),
        ("qop=auth, nc", "nc"),
        ("qop=auth,", "qop=auth-int,"),
        (", nc=00000001", ""),
        ("nc=00000001", "nc=00000000"),
        ('cnonce="c", ', ""),
        ("SHA-256", "SHA-512-256"),
        ("Digest ", "Basic "),
    ],
)
def test_credentials_that_we_did_not_ask_for_are_challenged(old: str, new: str) -> None:
    asking = server()
    said = str(credentials(challenge(asking)))
    assert old in said
    assert check(asking, said.replace(old, new)) == CHALLENGE


def test_an_algorithm_that_is_not_offered_is_not_taken() -> None:
    asking = DigestServer(REALM, b"0" * 32, (Algorithm.SHA_256,))
    said = credentials(challenge(server(), at=1))
    assert check(asking, said) == CHALLENGE


def test_credentials_that_cannot_be_read_are_malformed() -> None:
    assert check(server(), 'Digest realm="x').verdict is Verdict.MALFORMED
    assert check(server(), "Digest username=x").verdict is Verdict.MALFORMED


def test_credentials_for_another_realm_stand_beside_ours() -> None:
    asking = server()
    said = credentials(challenge(asking))
    other = str(said).replace(REALM, "elsewhere")
    assert asking.check([other, str(said)], "REGISTER", ha1_of, NOW) == ACCEPTED


# Nonces


def test_a_nonce_lives_so_long_and_no_longer() -> None:
    asking = server(nonce_lifetime_s=300)
    said = credentials(challenge(asking))
    assert check(asking, said, NOW + 300) == ACCEPTED
    assert check(asking, credentials(challenge(asking)), NOW + 300.1) == STALE


def test_a_nonce_of_another_process_is_stale() -> None:
    said = credentials(challenge(DigestServer(REALM, b"1" * 32)))
    assert check(server(), said) == STALE


@pytest.mark.parametrize("nonce", ["", "AAAA", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "\u00fc" * 9])
def test_a_nonce_that_is_none_of_ours_is_stale(nonce: str) -> None:
    asking = server()
    said = credentials(Challenge(REALM, nonce, Algorithm.MD5))
    assert check(asking, said) == STALE


def test_a_nonce_that_is_spelt_otherwise_is_not_another() -> None:
    """Base64 leaves bits open, and ignores what is none of it: else each spelling had counts of
    its own, and a request could be played again."""
    asking = server()
    asked = challenge(asking)
    assert check(asking, credentials(asked)) == ACCEPTED
    for spelt in (asked.nonce + "=", asked.nonce + "!", " " + asked.nonce, asked.nonce[:-1] + "!"):
        other = Challenge(REALM, spelt, asked.algorithm)
        assert check(asking, credentials(other)) == STALE


def test_a_nonce_of_later_than_now_is_stale() -> None:
    asking = server()
    assert check(asking, credentials(challenge(asking, NOW + 10))) == STALE


# Counts


def test_the_same_count_is_taken_once() -> None:
    asking = server()
    said = credentials(challenge(asking))
    assert [check(asking, said) for _ in range(2)] == [ACCEPTED, STALE]


def test_counts_may_overtake_each_other() -> None:
    asking = server()
    asked = challenge(asking)
    verdicts = [check(asking, credentials(asked, count)) for count in (1, 5, 3, 4, 2, 3)]
    assert verdicts == [ACCEPTED] * 5 + [STALE]


def test_a_count_far_behind_is_stale() -> None:
    asking = server()
    asked = challenge(asking)
    assert check(asking, credentials(asked, 1 + COUNT_WINDOW)) == ACCEPTED
    assert check(asking, credentials(asked, 2)) == ACCEPTED
    assert check(asking, credentials(asked, 1)) == STALE


def test_a_wrong_password_uses_no_count() -> None:
    asking = server()
    asked = challenge(asking)
    check(asking, credentials(asked, password="guess"))
    assert check(asking, credentials(asked)) == ACCEPTED


def test_the_table_has_a_bound_and_what_it_forgets_is_not_taken_again() -> None:
    asking = server(nonces_max=2)
    asked = [challenge(asking, NOW + at) for at in range(3)]
    assert [check(asking, credentials(one), NOW + 3) for one in asked] == [ACCEPTED] * 3
    assert check(asking, credentials(asked[0]), NOW + 3) == STALE
    assert check(asking, credentials(asked[0], 2), NOW + 3) == STALE
    assert check(asking, credentials(asked[2], 2), NOW + 3) == ACCEPTED


def test_a_nonce_that_is_older_than_what_was_forgotten_is_stale() -> None:
    asking = server(nonces_max=1)
    early, late, last = (challenge(asking, NOW + at) for at in range(3))
    check(asking, credentials(late), NOW + 3)
    check(asking, credentials(last), NOW + 3)
    assert check(asking, credentials(early), NOW + 3) == STALE


def test_expired_nonces_make_room_without_being_remembered() -> None:
    asking = server(nonces_max=1, nonce_lifetime_s=10)
    check(asking, credentials(challenge(asking)))
    waiting = challenge(asking, NOW + 5)
    check(asking, credentials(challenge(asking, NOW + 12)), NOW + 12)
    assert check(asking, credentials(waiting), NOW + 12) == ACCEPTED


# Client and server, back to back


def test_our_client_is_accepted_by_our_server() -> None:
    asking, client = server(), DigestClient("alice", "secret")
    asked: SipRequest | None = request(method="REGISTER")
    assert asked is not None
    headers = [("WWW-Authenticate", value) for value in asking.challenges(NOW)]
    answered = client.answer(asked, asked.response(401, headers=headers), "c")
    assert answered is not None
    values = answered.headers.get_all("Authorization")
    assert asking.check(values, "REGISTER", ha1_of, NOW) == ACCEPTED
    again = client.authorized(request(method="REGISTER"), "d").headers.get_all("Authorization")
    assert asking.check(again, "REGISTER", ha1_of, NOW) == ACCEPTED
