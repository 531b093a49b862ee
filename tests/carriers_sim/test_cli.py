"""The command, in this process for its errors and in its own for its life."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from carriers_sim.cli import main

CONFIG = """
seed = 3
[control]
port = 0
[[carriers]]
name = "alpha"
[[carriers]]
name = "bravo"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "carriers.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def process(config: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "carriers_sim", "run", "--config", str(config), "--seed", "9"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        yield running
        running.kill()


def ready(process: subprocess.Popen[str]) -> list[str]:
    """What it says until it is ready."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if lines[-1] == "ready":
            break
    return lines


@pytest.mark.e2e
def test_it_says_where_it_listens_and_then_that_it_is_ready(
    process: subprocess.Popen[str],
) -> None:
    alpha, bravo, control, last = ready(process)
    assert re.fullmatch(r"ready alpha smpp://127\.0\.0\.1:\d+", alpha)
    assert re.fullmatch(r"ready bravo smpp://127\.0\.0\.1:\d+", bravo)
    assert re.fullmatch(r"ready control http://127\.0\.0\.1:\d+/", control)
    assert last == "ready"


@pytest.mark.e2e
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly(
    process: subprocess.Popen[str], signal_number: signal.Signals
) -> None:
    alpha = ready(process)[0]
    with socket.create_connection(("127.0.0.1", int(alpha.rsplit(":", 1)[1])), timeout=5):
        process.send_signal(signal_number)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.e2e
def test_it_ends_with_its_standard_input_when_told_to(config: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "carriers_sim", "run", "--until-eof", "--config", str(config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert ready(process)[-1] == "ready"
        process.communicate(timeout=10)  # closes its standard input
        assert process.returncode == 0


@pytest.mark.e2e
def test_a_port_that_is_taken_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        path = tmp_path / "taken.toml"
        path.write_text(f'[[carriers]]\nname = "alpha"\nport = {port}\n')
        assert main(["run", "--config", str(path)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"carriers-sim: cannot listen on 127.0.0.1:{port}: ")


def test_a_mistake_in_the_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('[[carriers]]\nname = "alpha"\nprot = 1\n')
    assert main(["run", "--config", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"carriers-sim: {path}:3: carriers[0]: object contains unknown field `prot`\n"
    )


@pytest.mark.parametrize("argv", [[], ["run"], ["walk"], ["run", "--config", "x", "--seed", "y"]])
def test_wrong_arguments_are_a_usage_error(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("usage: carriers-sim")
