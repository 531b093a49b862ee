"""[phone]: the page that calls from a browser."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class PhoneNumber(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[[phone.number]]: one that the page suggests."""

    number: Annotated[
        str,
        Meta(
            pattern=r"^\+?[0-9A-Za-z._*-]{1,64}\Z",
            description="a number, or the user name of a phone",
        ),
    ]
    name: Annotated[str, Meta(min_length=1, max_length=100)]


class PhonePage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[phone]: a page at `/phone` of the REST API's port, from which a person calls in a browser
    with the credentials of an account. Off unless `enabled`, which wants [sip] enabled too. Away
    from this machine browsers give it the microphone over https only.
    """

    enabled: bool = False
    numbers: tuple[PhoneNumber, ...] = msgspec.field(name="number", default=())
