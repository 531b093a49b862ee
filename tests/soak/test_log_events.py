from pathlib import Path

from tests.soak.log_events import log_events


def test_events_and_errors_are_counted(tmp_path: Path) -> None:
    log = tmp_path / "daemon.log"
    log.write_text(
        '[1] {"level": "info", "event": "bind up"}\n'
        '[1] {"level": "error", "event": "store failed"}\n'
        '[2] {"level": "info", "event": "bind up"}\n'
        "[2] Traceback (most recent call last):\n"
        '[2] {"born": 17}\n'
        '[2] {"level": "info", "event": "bi}\n'
    )

    events, errors = log_events(log)

    assert dict(events) == {"bind up": 2, "store failed": 1}
    assert dict(errors) == {"store failed": 1}
