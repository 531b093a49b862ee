"""kill -9: what was acknowledged is there, whenever the process dies."""

import subprocess
import sys
from pathlib import Path
from random import Random

from tests.store.open_store import OpenStore

ROUNDS = 12
ACKNOWLEDGED_MAX = 1_500


def killed_run(path: Path, acknowledgements: int) -> set[int]:
    """Ids that a writer had acknowledged when it was killed after that many."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.store.killed_writer", str(path)], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(acknowledgements)]
        writer.kill()
        lines += writer.stdout.read().splitlines(keepends=True)
    return {int(line) for line in lines if line.endswith(b"\n")}


def test_no_acknowledged_message_is_lost_to_kill_9(tmp_path: Path) -> None:
    chance = Random(9)
    acknowledged: set[int] = set()
    for _ in range(ROUNDS):
        before = len(acknowledged)
        acknowledged |= killed_run(tmp_path, chance.randrange(1, ACKNOWLEDGED_MAX))
        assert len(acknowledged) > before
        store = OpenStore(tmp_path)
        stored = set(store.open_ids())
        store.close()
        assert acknowledged <= stored
