"""The circuit of a host: every state, every input."""

import pytest

from gateway.messaging.host_circuit import OPEN_AFTER, PAUSE_MAX_S, CircuitState, HostCircuit

NOW = 1_700_000_000.0
CLOSED, OPEN, PROBING = CircuitState


def a_circuit(state: CircuitState = CLOSED) -> HostCircuit:
    circuit = HostCircuit()
    if state is not CLOSED:
        for _ in range(OPEN_AFTER):
            circuit.failed(NOW, 1.0)
    if state is PROBING:
        circuit.handle_timer(circuit.probe_at)
    return circuit


def pause(circuit: HostCircuit, chance: float = 1.0) -> float:
    """Let the probe fail, and say how long the next pause is."""
    now = circuit.probe_at
    circuit.handle_timer(now)
    circuit.failed(now, chance)
    return circuit.probe_at - now


@pytest.mark.parametrize(("before", "after"), [(CLOSED, CLOSED), (OPEN, OPEN), (PROBING, OPEN)])
def test_failure(before: CircuitState, after: CircuitState) -> None:
    circuit = a_circuit(before)
    circuit.failed(NOW, 1.0)
    assert circuit.state is after


@pytest.mark.parametrize("before", [CLOSED, OPEN, PROBING])
def test_success_closes(before: CircuitState) -> None:
    circuit = a_circuit(before)
    circuit.succeeded()
    assert (circuit.state, circuit.failures) == (CLOSED, 0)


@pytest.mark.parametrize(
    ("before", "after"), [(CLOSED, CLOSED), (OPEN, PROBING), (PROBING, PROBING)]
)
def test_end_of_the_pause(before: CircuitState, after: CircuitState) -> None:
    circuit = a_circuit(before)
    assert circuit.handle_timer(NOW + PAUSE_MAX_S) is (before is OPEN)
    assert circuit.state is after


def test_pause_is_not_over_before_its_end() -> None:
    circuit = a_circuit(OPEN)
    assert not circuit.handle_timer(circuit.probe_at - 0.01)
    assert circuit.state is OPEN


def test_failures_that_are_not_in_a_row_do_not_open() -> None:
    circuit = a_circuit()
    for _ in range(OPEN_AFTER):
        circuit.failed(NOW, 1.0)
        circuit.succeeded()
    assert circuit.state is CLOSED


def test_failure_of_an_attempt_from_before_does_not_lengthen_the_pause() -> None:
    circuit = a_circuit(OPEN)
    probe_at = circuit.probe_at
    circuit.failed(NOW + 0.5, 1.0)
    assert circuit.probe_at == probe_at


def test_pauses_double_up_to_their_longest() -> None:
    circuit = a_circuit(OPEN)
    assert circuit.probe_at - NOW == 1
    assert [pause(circuit) for _ in range(9)] == [2, 4, 8, 16, 32, 64, 128, 256, PAUSE_MAX_S]


def test_pause_is_between_half_and_all_of_its_length() -> None:
    assert pause(a_circuit(OPEN), chance=0.0) == 1


def test_first_pause_after_a_success_is_short_again() -> None:
    circuit = a_circuit(OPEN)
    pause(circuit)
    circuit.succeeded()
    for _ in range(OPEN_AFTER):
        circuit.failed(NOW, 1.0)
    assert circuit.probe_at - NOW == 1


def test_years_of_pauses_do_not_overflow() -> None:
    circuit = a_circuit(OPEN)
    assert [pause(circuit) for _ in range(2_000)][-1] == pytest.approx(PAUSE_MAX_S)
