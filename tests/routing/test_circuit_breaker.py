"""When a bind is left alone, for how long, and what brings it back."""

import pytest

from routing.circuit_breaker import CircuitBreaker, CircuitState

NOW = 1_700_000_000.0


def a_broken_circuit(now: float = NOW) -> CircuitBreaker:
    circuit = CircuitBreaker()
    for _ in range(3):
        circuit.failed(now, now)
    return circuit


def test_two_errors_in_a_row_are_borne() -> None:
    circuit = CircuitBreaker()
    circuit.failed(NOW, NOW)
    circuit.failed(NOW, NOW)
    assert circuit.state is CircuitState.CLOSED


def test_three_errors_in_a_row_open_the_circuit_for_5_seconds() -> None:
    circuit = a_broken_circuit()
    assert circuit.state is CircuitState.OPEN
    assert circuit.blocked_until == NOW + 5.0


def test_a_success_between_starts_the_row_anew() -> None:
    circuit = CircuitBreaker()
    for _ in range(2):
        circuit.failed(NOW, NOW)
        circuit.failed(NOW, NOW)
        circuit.succeeded(NOW, NOW)
    assert circuit.state is CircuitState.CLOSED


def test_two_errors_in_three_open_the_circuit_though_never_three_in_a_row() -> None:
    circuit = CircuitBreaker()
    for _ in range(10):
        circuit.failed(NOW, NOW)
        circuit.failed(NOW, NOW)
        circuit.succeeded(NOW, NOW)
    assert circuit.state is CircuitState.OPEN


def test_one_error_in_three_does_not() -> None:
    circuit = CircuitBreaker()
    for _ in range(300):
        circuit.failed(NOW, NOW)
        circuit.succeeded(NOW, NOW)
        circuit.succeeded(NOW, NOW)
    assert circuit.state is CircuitState.CLOSED


def test_errors_of_what_was_on_its_way_do_not_prolong_the_block() -> None:
    circuit = a_broken_circuit()
    circuit.failed(NOW - 1.0, NOW + 1.0)
    assert circuit.blocked_until == NOW + 5.0


def test_a_segment_that_slips_out_before_the_time_is_no_trial() -> None:
    circuit = a_broken_circuit()
    circuit.submitted(NOW + 1.0)
    assert circuit.state is CircuitState.OPEN


def test_a_trial_blocks_others_for_2_seconds() -> None:
    circuit = a_broken_circuit()
    circuit.submitted(NOW + 5.0)
    assert circuit.state is CircuitState.HALF_OPEN
    assert circuit.blocked_until == NOW + 7.0


def test_a_trial_that_succeeds_closes_the_circuit() -> None:
    circuit = a_broken_circuit()
    circuit.submitted(NOW + 5.0)
    circuit.succeeded(NOW + 5.0, NOW + 5.1)
    assert circuit.state is CircuitState.CLOSED
    assert circuit.blocked_until < NOW


def test_a_success_of_what_was_sent_before_the_trial_does_not() -> None:
    circuit = a_broken_circuit()
    circuit.submitted(NOW + 5.0)
    circuit.succeeded(NOW - 1.0, NOW + 5.1)
    assert circuit.state is CircuitState.HALF_OPEN


def test_each_trial_that_fails_opens_it_twice_as_long_up_to_80_seconds() -> None:
    circuit = a_broken_circuit()
    spans = []
    for _ in range(6):
        now = circuit.blocked_until
        circuit.submitted(now)
        circuit.failed(now, now)
        spans.append(circuit.blocked_until - now)
    assert spans == [10.0, 20.0, 40.0, 80.0, 80.0, 80.0]


def test_a_trial_without_an_answer_is_followed_by_another() -> None:
    circuit = a_broken_circuit()
    circuit.submitted(NOW + 5.0)
    circuit.submitted(NOW + 7.0)
    circuit.succeeded(NOW + 7.0, NOW + 7.1)
    assert circuit.state is CircuitState.CLOSED


@pytest.mark.parametrize(("closed_for_s", "open_s"), [(60.0, 10.0), (81.0, 5.0)])
def test_a_bind_that_soon_breaks_again_is_left_alone_longer(
    closed_for_s: float, open_s: float
) -> None:
    circuit = a_broken_circuit()
    circuit.submitted(NOW + 5.0)
    circuit.succeeded(NOW + 5.0, NOW + 5.0)
    again = NOW + 5.0 + closed_for_s
    for _ in range(3):
        circuit.failed(again, again)
    assert circuit.blocked_until == again + open_s
