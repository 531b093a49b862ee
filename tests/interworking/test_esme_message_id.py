"""Message ids as ESMEs know them."""

import pytest

from gateway.clock import message_sid
from gateway.interworking.esme_message_id import ShortIds, esme_message_id, short_id_of
from gateway.message import SmppFields
from tests.store.builders import a_message


@pytest.mark.parametrize("smpp", [None, SmppFields(service_type="CMT")])
def test_a_message_is_known_by_its_sid(smpp: SmppFields | None) -> None:
    assert esme_message_id(a_message(7, smpp=smpp)) == message_sid(7)


@pytest.mark.parametrize(("short_id", "text"), [(1, "00000001"), (0xFFFFFFFF, "ffffffff")])
def test_srv_15_an_old_esme_knows_it_by_8_hexadecimal_digits(short_id: int, text: str) -> None:
    assert esme_message_id(a_message(7, smpp=SmppFields(short_id=short_id))) == text
    assert short_id_of(text) == short_id


@pytest.mark.parametrize(
    ("text", "short_id"),
    [("1f", 0x1F), ("FFFFFFFF", 0xFFFFFFFF), ("", None), ("123456789", None), ("g", None)],
)
def test_srv_15_a_short_id_is_read_as_the_esme_writes_it(text: str, short_id: int | None) -> None:
    assert short_id_of(text) == short_id


@pytest.mark.parametrize(
    ("start", "ids"),
    [(0, [1, 2]), (0xFFFFFFFE, [0xFFFFFFFF, 1]), (0xFFFFFFFF, [1, 2])],
)
def test_srv_15_short_ids_run_from_1_and_round(start: int, ids: list[int]) -> None:
    short_ids = ShortIds(start)
    assert [short_ids.next() for _ in range(2)] == ids
