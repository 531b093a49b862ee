from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingress.rest.message_json import accepted_resource, rfc_2822, stored_resource
from gateway.message import Status
from gateway.store.interface import StoredMessage, Transition
from tests.ingress.rest.builders import Api


@given(second=st.integers(0, 4_102_444_800))
def test_times_are_written_as_the_standard_library_reads_them(second: int) -> None:
    assert parsedate_to_datetime(rfc_2822(second)).timestamp() == second


def test_a_time_is_written_as_the_standard_library_writes_it() -> None:
    second = 1_767_323_045

    assert rfc_2822(second) == format_datetime(datetime.fromtimestamp(second, UTC))


def test_a_message_just_accepted_reads_as_the_stored_one() -> None:
    stored = Api().has_message(send_at=2_000_000_000.0)

    assert accepted_resource(stored.message) == stored_resource(stored, None)


def test_the_parts_of_a_message_do_not_show() -> None:
    stored = Api().has_message(segments=2)
    part = Transition(stored.message.id, 1, Status.SENT, stored.message.accepted_at + 5, part=1)

    resource = stored_resource(StoredMessage(stored.message, (part,)), None)

    assert (resource.status, resource.date_sent) == (Status.QUEUED, None)
    assert resource.date_updated == resource.date_created


def test_an_error_code_without_a_text_is_told_by_its_number() -> None:
    stored = Api().has_message()
    failed = Transition(stored.message.id, 1, Status.FAILED, 0.0, error_code=39_999)

    resource = stored_resource(StoredMessage(stored.message, (failed,)), None)

    assert (resource.error_code, resource.error_message) == (39_999, None)


def test_the_sender_is_named_from() -> None:
    resource = accepted_resource(Api().has_message().message)

    assert "from" in msgspec.json.decode(msgspec.json.encode(resource))
