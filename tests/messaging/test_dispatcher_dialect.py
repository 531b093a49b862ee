"""Messages that one carrier cannot carry as they are."""

import msgspec

from gateway.carriers.bind_events import WindowChanged
from gateway.config.dialect import DefaultAlphabet, Dialect
from gateway.interworking.carrier_errors import CONTENT_TOO_LARGE
from gateway.message import Status
from gateway.messaging.dispatcher import ROUND_PAUSES_S
from tests.messaging.traffic_world import TWO, Traffic
from tests.support.virtual_time import virtual_time

# 71 characters: one part in the GSM alphabet, two as UCS-2.
EUROS = "€" + "x" * 70


def speaks_latin_1(traffic: Traffic, bind: str = "alpha/1") -> None:
    fake = traffic.binds[bind]
    dialect = Dialect(default_alphabet=DefaultAlphabet.LATIN_1)
    fake.config = msgspec.structs.replace(fake.config, dialect=dialect)


@virtual_time
async def test_gsm_19_a_text_that_does_not_fit_goes_by_another_carrier() -> None:
    traffic = Traffic(TWO)
    speaks_latin_1(traffic)
    await traffic.put(EUROS)
    await traffic.turn(1)
    assert (traffic.texts("alpha/1"), len(traffic.texts("beta/1"))) == ([], 1)


@virtual_time
async def test_gsm_19_a_text_that_fits_no_carrier_fails_and_says_why() -> None:
    traffic = Traffic()
    speaks_latin_1(traffic)
    opened = await traffic.put(EUROS)
    await traffic.turn(sum(ROUND_PAUSES_S) + 2)
    assert traffic.last(opened) == (Status.FAILED, CONTENT_TOO_LARGE)
    assert traffic.texts() == []


@virtual_time
async def test_a_window_that_grows_is_used_at_once() -> None:
    """A further session of the bind is up."""
    traffic = Traffic(window=1)
    for number in range(3):
        await traffic.put(str(number), recipient=f"+1500555000{number}")
    await traffic.turn(1)
    assert traffic.texts() == ["0"]
    traffic.dispatcher.on_window_changed(WindowChanged("alpha/1", 2, 1))
    await traffic.turn(1)
    assert traffic.texts() == ["0", "1"]
