"""What the daemons of a soak have logged, counted."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

# As tests.e2e.process writes them. A line that a kill has cut is no object.
LINE = re.compile(r"\[\d+\] (\{.*\})$")


def log_events(log: Path) -> tuple[Counter[str], Counter[str]]:
    """How often each event was logged: of all levels, and as an error."""
    events, errors = Counter[str](), Counter[str]()
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            match = LINE.match(line)
            if match is None:
                continue
            try:
                said = json.loads(match[1])
            except ValueError:
                continue
            if "event" in said:
                events[said["event"]] += 1
                if said["level"] in ("error", "critical"):
                    errors[said["event"]] += 1
    return events, errors
