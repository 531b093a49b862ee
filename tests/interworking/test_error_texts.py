from gateway.interworking import carrier_errors
from gateway.interworking.error_texts import ERROR_TEXTS, error_text


def test_every_code_that_a_carrier_can_lead_to_has_a_text() -> None:
    codes = {value for value in vars(carrier_errors).values() if isinstance(value, int)}

    assert {code for code in codes if 30_000 <= code < 31_000} <= set(ERROR_TEXTS)


def test_a_code_without_a_text_has_none() -> None:
    assert error_text(1) is None


def test_texts_are_short_and_of_one_line() -> None:
    assert all(len(text) <= 80 and text.isprintable() for text in ERROR_TEXTS.values())
