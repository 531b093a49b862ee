"""The messages of the bench are what the figures claim they are."""

from gateway.text.segmentation import TextEncoding, count
from tests.bench import traffic


def test_a_text_is_one_segment_of_a_hundred_characters() -> None:
    assert len(traffic.text(7)) == 100
    assert count(traffic.text(7)) == (TextEncoding.GSM_7BIT, 1)


def test_a_text_begins_with_its_number() -> None:
    assert int(traffic.text(1234)[: traffic.NUMBER_DIGITS]) == 1234


def test_no_pair_of_sender_and_recipient_comes_again_within_a_round() -> None:
    pairs = {
        (traffic.sender(number), traffic.known_recipient(number))
        for number in range(traffic.RECIPIENTS)
    }
    assert len(pairs) == traffic.RECIPIENTS


def test_every_known_recipient_is_met_in_the_first_round() -> None:
    met = {traffic.known_recipient(number) for number in range(traffic.RECIPIENTS)}
    assert len(met) == traffic.RECIPIENTS


def test_new_recipients_are_new() -> None:
    met = {traffic.new_recipient(number) for number in range(200_000)}
    assert len(met) == 200_000
