"""Log lines for people and for machines."""

import ast
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import carriers_sim
import gateway
import routing
from gateway.config.sections import Log
from gateway.daemon.logs import JsonFormatter, TextFormatter, set_up

# What `logging` does not let a fact be named, and what our JSON has itself.
TAKEN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
TAKEN_IN_JSON = frozenset({"at", "level", "logger", "event", "exception"})


def a_record(message: str = "bind up", /, *args: object, **facts: object) -> logging.LogRecord:
    record = logging.LogRecord(
        "gateway.carriers.smpp_bind", logging.INFO, "smpp_bind.py", 1, message, args, None
    )
    record.created = 1_763_632_800.25  # 2025-11-20 10:00:00 UTC
    vars(record).update(facts)
    return record


def a_failure() -> logging.LogRecord:
    record = a_record("session ended by a fault of ours")
    try:
        raise ValueError("of ours")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    return record


def text(*args: Any, **facts: object) -> str:
    return TextFormatter().format(a_record(*args, **facts))


def as_json(*args: Any, **facts: object) -> dict[str, Any]:
    line = JsonFormatter().format(a_record(*args, **facts))
    assert "\n" not in line
    told: dict[str, Any] = json.loads(line)
    return told


# For people


def test_a_line_is_an_event_and_its_facts() -> None:
    assert text("bind up", bind="alpha/1", rtt_ms=12) == (
        "2025-11-20T10:00:00Z INFO carriers.smpp_bind bind up bind=alpha/1 rtt_ms=12"
    )


def test_a_fact_with_spaces_is_quoted() -> None:
    assert text(reason="connection lost").endswith('reason="connection lost"')


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ("", '""'),
        ("two\nlines", r'"two\nlines"'),
        ("tab\there", r'"tab\there"'),
        ("\x1b[31mred", r'"\u001b[31mred"'),
        ("\u2028", r'"\u2028"'),
        ("none", "none"),
        ("Zürich", "Zürich"),
        (None, "None"),
        (0, "0"),
    ],
)
def test_a_fact_of_a_peer_can_break_neither_the_line_nor_the_terminal(
    fact: object, told: str
) -> None:
    assert text(fact=fact).endswith(f" fact={told}")


def test_an_exception_stands_below_its_line() -> None:
    line, *trace = TextFormatter().format(a_failure()).splitlines()
    assert line.endswith("session ended by a fault of ours")
    assert trace[-1] == "ValueError: of ours"


def test_a_message_has_its_arguments() -> None:
    assert text("%d binds", 3).endswith("3 binds")


# For machines


def test_a_line_is_an_object() -> None:
    assert as_json("bind up", bind="alpha/1", rtt_ms=12) == {
        "at": 1_763_632_800.25,
        "level": "info",
        "logger": "gateway.carriers.smpp_bind",
        "event": "bind up",
        "bind": "alpha/1",
        "rtt_ms": 12,
    }


def test_a_fact_that_json_does_not_know_is_told_in_words() -> None:
    assert as_json(path=Path("var/gateway"))["path"] == "var/gateway"


def test_an_exception_is_a_fact() -> None:
    told = json.loads(JsonFormatter().format(a_failure()))
    assert told["exception"].endswith("ValueError: of ours")


# Set up


@pytest.fixture
def _loggers() -> Iterator[None]:
    """As they were."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("uvicorn", "asyncio")}
    yield
    root.handlers[:], root.level = kept
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("_loggers")
@pytest.mark.parametrize(
    ("config", "level", "formatter"),
    [
        (Log(), logging.INFO, TextFormatter),
        (Log(level="debug", format="json"), logging.DEBUG, JsonFormatter),
        (Log(level="error"), logging.ERROR, TextFormatter),
    ],
)
def test_logs_are_set_up_as_configured(
    config: Log, level: int, formatter: type[logging.Formatter]
) -> None:
    set_up(config)
    set_up(config)
    root = logging.getLogger()
    (handler,) = root.handlers
    assert (root.level, type(handler.formatter)) == (level, formatter)
    assert logging.getLogger("uvicorn").level == logging.WARNING


# Every log call of ours


def log_calls() -> Iterator[tuple[str, ast.Dict]]:
    """Where it stands, and its facts, where they are written out."""
    for package in (gateway, routing, carriers_sim):
        for path in Path(package.__path__[0]).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.keyword("extra", ast.Dict() as facts):
                        yield f"{path.name}:{facts.lineno}", facts
                    case _:
                        pass


def test_no_fact_has_a_name_that_is_taken() -> None:
    """`logging` raises KeyError for such a one, when the line comes to be written."""
    wrong = [
        f"{where} {key.value}"
        for where, facts in log_calls()
        for key in facts.keys
        if isinstance(key, ast.Constant) and key.value in TAKEN | TAKEN_IN_JSON
    ]
    assert wrong == []
