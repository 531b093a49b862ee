"""The four tables against the figures of RFC 3261 §17 and RFC 6026 §7, written down again by hand:
each (state, input) of each kind, those that have no effect included."""

from itertools import product

import pytest

from gateway.sip.timers import Timer
from gateway.sip.transaction_states import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    Happening,
    Table,
    TransactionState,
)

# State | input | next state | what is done.
FIGURES: dict[str, tuple[Table, str]] = {
    "INVITE client (figure 5, RFC 6026 figure 8)": (
        INVITE_CLIENT,
        """
        Calling    | A              | Calling    | send request, set A
        Calling    | B              | Terminated | inform TU of a timeout
        Calling    | Transport Err. | Terminated | inform TU of a transport error
        Calling    | 1xx            | Proceeding | stop timers, response to TU
        Calling    | 2xx            | Accepted   | set M, response to TU
        Calling    | 300-699        | Completed  | send ACK, response to TU, set D
        Calling    | CANCEL from TU | Calling    | send CANCEL after a 1xx
        Proceeding | 1xx            | Proceeding | response to TU
        Proceeding | 2xx            | Accepted   | set M, response to TU
        Proceeding | 300-699        | Completed  | send ACK, response to TU, set D
        Proceeding | CANCEL from TU | Proceeding | send CANCEL, set 64*T1
        Proceeding | cancelled      | Terminated | inform TU of a timeout
        Accepted   | 2xx            | Accepted   | response to TU
        Accepted   | M              | Terminated |
        Completed  | 300-699        | Completed  | send ACK
        Completed  | Transport Err. | Terminated | inform TU of a transport error
        Completed  | D              | Terminated |
        """,
    ),
    "non-INVITE client (figure 6)": (
        NON_INVITE_CLIENT,
        """
        Trying     | E              | Trying     | send request, set E
        Trying     | F              | Terminated | inform TU of a timeout
        Trying     | Transport Err. | Terminated | inform TU of a transport error
        Trying     | 1xx            | Proceeding | response to TU
        Trying     | 2xx            | Completed  | response to TU, set K
        Trying     | 300-699        | Completed  | response to TU, set K
        Proceeding | E              | Proceeding | send request, set E to T2
        Proceeding | F              | Terminated | inform TU of a timeout
        Proceeding | Transport Err. | Terminated | inform TU of a transport error
        Proceeding | 1xx            | Proceeding | response to TU
        Proceeding | 2xx            | Completed  | response to TU, set K
        Proceeding | 300-699        | Completed  | response to TU, set K
        Completed  | K              | Terminated |
        """,
    ),
    "INVITE server (figure 7, RFC 6026 figure 7)": (
        INVITE_SERVER,
        """
        Proceeding | request        | Proceeding | send response
        Proceeding | 100            | Proceeding | send 100
        Proceeding | 1xx            | Proceeding | stop timers, send response
        Proceeding | 2xx            | Accepted   | send response, set L
        Proceeding | 300-699        | Completed  | send response, set H, set G
        Proceeding | Transport Err. | Proceeding | inform TU of a transport error
        Accepted   | 2xx            | Accepted   | send response
        Accepted   | ACK request    | Accepted   | ACK to TU
        Accepted   | Transport Err. | Accepted   | inform TU of a transport error
        Accepted   | L              | Terminated |
        Completed  | request        | Completed  | send response
        Completed  | ACK request    | Confirmed  | set I
        Completed  | G              | Completed  | send response, set G
        Completed  | H              | Terminated | inform TU that no ACK came
        Completed  | Transport Err. | Completed  | inform TU of a transport error
        Confirmed  | I              | Terminated |
        """,
    ),
    "non-INVITE server (figure 8)": (
        NON_INVITE_SERVER,
        """
        Trying     | 1xx            | Proceeding | send response
        Trying     | 2xx            | Completed  | send response, set J
        Trying     | 300-699        | Completed  | send response, set J
        Trying     | F              | Terminated |
        Proceeding | request        | Proceeding | send response
        Proceeding | 1xx            | Proceeding | send response
        Proceeding | 2xx            | Completed  | send response, set J
        Proceeding | 300-699        | Completed  | send response, set J
        Proceeding | F              | Terminated |
        Proceeding | Transport Err. | Proceeding | inform TU of a transport error
        Completed  | request        | Completed  | send response
        Completed  | Transport Err. | Completed  | inform TU of a transport error
        Completed  | J              | Terminated |
        """,
    ),
}
INPUTS: list[Happening | Timer] = [*Happening, *Timer]


def rows(figure: str) -> dict[tuple[str, str], tuple[str, str]]:
    lines = [line.split("|") for line in figure.strip().splitlines()]
    return {
        (state.strip(), what.strip()): (then.strip(), done.strip())
        for state, what, then, done in lines
    }


@pytest.mark.parametrize("name", FIGURES)
def test_each_state_and_input_is_as_the_figure_has_it(name: str) -> None:
    table, figure = FIGURES[name]
    drawn = rows(figure)
    for state, what in product(TransactionState, INPUTS):
        row = table.get((state, what))
        ours = None if row is None else (row[0].value, ", ".join(row[1]))
        assert ours == drawn.get((state.value, what.value)), (state, what)


@pytest.mark.parametrize("name", FIGURES)
def test_terminated_is_the_end(name: str) -> None:
    assert all(state is not TransactionState.TERMINATED for state, _ in FIGURES[name][0])
