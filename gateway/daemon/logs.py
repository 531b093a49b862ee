"""Log lines: an event and its facts, as text for people or JSON for machines."""

from __future__ import annotations

import json
import logging
import time
from itertools import islice
from typing import Any

from gateway.config.sections import Log

# What every LogRecord has, in the beginning; the rest of it are the facts of the event, and what
# formatters keep there.
_PLAIN_COUNT = len(vars(logging.makeLogRecord({})))
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


_encode = json.JSONEncoder(default=str).encode


def set_up(config: Log) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if config.format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(config.level.upper())
    # No line of ours says these, so they need not be found out for each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # Nor from which line of the source.
    for noisy in ("uvicorn", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def facts(record: logging.LogRecord) -> dict[str, Any]:
    more = islice(vars(record).items(), _PLAIN_COUNT, None)
    return {name: value for name, value in more if name not in _PLAIN}


class TextFormatter(logging.Formatter):
    """`2026-11-20T10:00:00Z INFO carriers.smpp_bind bind up bind=alpha/1 peer=127.0.0.1`"""

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        name = record.name.removeprefix("gateway.")
        told = "".join(f" {key}={_one_line(value)}" for key, value in facts(record).items())
        line = f"{at} {record.levelname} {name} {record.getMessage()}{told}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **facts(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line)


def _one_line(value: object) -> str:
    """As it is, or quoted where it would break the line or the terminal."""
    text = str(value)
    return text if text and text.isprintable() and " " not in text else json.dumps(text)
