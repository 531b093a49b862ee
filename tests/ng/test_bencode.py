import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ng.bencode import DEPTH_MAX, Value, decode, encode
from gateway.ng.errors import NgError

VALUES: st.SearchStrategy[Value] = st.recursive(
    st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(max_codepoint=255), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_encoded_is_decoded(value: Value) -> None:
    assert decode(encode(value)) == value


def test_reply_of_an_rtpengine_is_read() -> None:
    """As Debian's 10.5 said it to `offer` with a body that is no SDP."""
    octets = b"d6:result5:error12:error-reason19:Failed to parse SDPe"
    assert decode(octets) == {"result": b"error", "error-reason": b"Failed to parse SDP"}


def test_keys_go_out_in_order_and_text_as_utf_8() -> None:
    assert encode({"ttl": 7, "call-id": "é", "flags": ["a"]}) == (
        b"d7:call-id2:\xc3\xa95:flagsl1:ae3:ttli7ee"
    )


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"i42",
        b"ie",
        b"i--4e",
        b"i4 2e",
        b"i" + b"9" * 21 + b"e",
        b"5:four",
        b"-1:",
        b"99999999999999999999:a",
        b"l1:a",
        b"d1:a",
        b"d1:ae",
        b"di1e1:ae",
        b"1:ab",
        b"x",
        b"l" * (DEPTH_MAX + 1) + b"e" * (DEPTH_MAX + 1),
        b"l" * 65_000,
    ],
)
def test_what_is_no_bencode_is_a_documented_error(octets: bytes) -> None:
    with pytest.raises(NgError):
        decode(octets)


def test_each_beginning_of_a_value_is_a_documented_error() -> None:
    whole = encode({"result": "ok", "tags": {"a": [1, {"b": -2}]}})
    for end in range(len(whole)):
        with pytest.raises(NgError):
            decode(whole[:end])
