from itertools import islice

from gateway.net.sip_tokens import TOKEN_OCTETS, TOKENS_READ, tokens


def test_no_token_comes_twice_also_where_randomness_is_read_anew() -> None:
    made = list(islice(tokens(), 3 * TOKENS_READ + 1))
    assert len(set(made)) == len(made)
    assert {len(token) for token in made} == {2 * TOKEN_OCTETS}
    assert all(token == bytes.fromhex(token).hex() for token in made)
