"""How much a source may say."""

import pytest

from gateway.net import source_rate
from gateway.net.source_rate import SourceRate

NOW = 100.0


def test_source_is_heard_up_to_its_rate_and_again_in_the_next_second() -> None:
    rate = SourceRate(messages_per_s_max=2)
    assert [rate.take("192.0.2.1", NOW) for _ in range(3)] == [True, True, False]
    assert rate.take("192.0.2.2", NOW)
    assert rate.take("192.0.2.1", NOW + 1)
    assert rate.refused == 1


def test_several_messages_count_as_many() -> None:
    rate = SourceRate(messages_per_s_max=2)
    assert rate.take("192.0.2.1", NOW, 2)
    assert not rate.take("192.0.2.1", NOW)


def test_network_of_64_bits_is_one_source() -> None:
    rate = SourceRate(messages_per_s_max=1)
    assert rate.take("2001:db8::1", NOW)
    assert not rate.take("2001:db8:0:0:1::2", NOW)
    assert rate.take("2001:db8:0:1::1", NOW)
    assert rate.take("fe80::1%eth0", NOW)
    assert not rate.take("fe80::2%eth0", NOW)


def test_sources_beyond_the_table_are_counted_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_rate, "SOURCES_MAX", 2)
    rate = SourceRate(messages_per_s_max=1)
    heard = [rate.take(f"192.0.2.{last}", NOW) for last in range(4)]
    assert heard == [True, True, True, False]
    assert len(rate._counts) == 3
