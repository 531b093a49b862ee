"""What the pages show is what comes."""

import json
import time
import tomllib
from typing import Any

import msgspec
import pytest

from gateway.config.secrets import signing_key
from gateway.config.sections import Events
from gateway.message import Status
from gateway.streams.batch_signature import signature_headers
from gateway.streams.cloud_event import encode
from tests.docs.page import DOCS, snippets
from tests.store.builders import NOON
from tests.streams.builders import an_event

REFERENCE = DOCS / "reference" / "events.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOW_TO = [DOCS / "how-to" / "follow-events-over-mqtt.md", DOCS / "how-to" / "archive-messages.md"]


def test_the_event_of_the_reference_is_one_of_ours() -> None:
    (snippet,) = snippets(REFERENCE, "json")
    event = an_event(
        1,
        3,
        status=Status.UNDELIVERED,
        at=NOON + 3.25,
        error_code=30003,
        bind="alpha/1",
        carrier_status="UNDELIV",
        carrier_error="027",
    )
    assert json.loads(snippet) == json.loads(encode(event, "/supernet"))


def test_the_signature_check_of_the_reference_knows_ours() -> None:
    (snippet,) = snippets(REFERENCE, "py")
    names: dict[str, Any] = {}
    exec(compile(snippet, "snippet", "exec"), names)
    body = b"[]"
    headers = signature_headers(signing_key(SECRET) or b"", body, time.time())

    assert names["is_ours"](SECRET, headers, body)
    assert not names["is_ours"](SECRET, headers, b"[1]")


@pytest.mark.parametrize(
    "snippet", [snippet for page in HOW_TO for snippet in snippets(page, "toml")]
)
def test_configurations_of_the_how_to_are_accepted(snippet: str) -> None:
    assert msgspec.convert(tomllib.loads(snippet)["events"], Events)
