"""The demo's child, played by one-line programs."""

import os
import sys

import pytest

from gateway.cli.console import CommandError
from gateway.cli.simulator_process import SimulatorProcess

pytestmark = pytest.mark.e2e

# Written so that a program still ends when a test has gone wrong.
WAIT = "import time; time.sleep(30)"


def simulator(program: str) -> SimulatorProcess:
    return SimulatorProcess([sys.executable, "-u", "-c", program])


def test_it_is_ready_when_it_says_so() -> None:
    with simulator(f"print('ready alpha'); print('ready'); {WAIT}") as child:
        child.wait_ready()
    assert child.exit_code == -15


def test_its_last_line_tells_why_it_ended() -> None:
    program = "import sys; sys.exit('carriers-sim: 127.0.0.1:27751 is in use')"
    expected = "ended with exit code 1: carriers-sim: 127.0.0.1:27751 is in use"
    with pytest.raises(CommandError, match=expected), simulator(program) as child:
        child.wait_ready()


def test_one_that_is_never_ready_is_given_up() -> None:
    with pytest.raises(CommandError, match="not ready within"), simulator(WAIT) as child:
        child.wait_ready(timeout_s=0.05)


def test_it_does_not_hear_the_ctrl_c_of_the_terminal() -> None:
    with simulator(f"print('ready'); {WAIT}") as child:
        child.wait_ready()
        assert os.getpgid(child.pid) != os.getpgid(0)


def test_one_that_ends_by_itself_later_is_reported(capfd: pytest.CaptureFixture[str]) -> None:
    with simulator("print('ready'); print('a warning')") as child:
        child.wait_ready()
        child.wait_ended()
    assert capfd.readouterr().err == (
        "a warning\nsupernet: the carrier simulator has ended; the demo's carriers are gone\n"
    )


def test_one_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cli.simulator_process.STOP_TIMEOUT_S", 0.05)
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    with simulator(f"{ignore}; print('ready'); {WAIT}") as child:
        child.wait_ready()
    assert child.exit_code == -9
