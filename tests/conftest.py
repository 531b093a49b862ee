"""How far the long loops go, and the order of the files, so that workers end together.

Loops of kills, power cuts, seeds and texts find more the longer they go on. How far each goes to
prove what it says stands in the test: `make proofs` goes so far. Any other run goes only as far as
SHORT, which shows whether a promise is broken at all. A variable of the environment (`KILLS=1000`)
is stronger than both.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# What an example takes says more of the machine's other work than of the code.
settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")

SHORT = {"KILLS": "48", "SEEDS": "24", "SIM_SEEDS": "2", "TEXTS": "1000"}
if "PROOFS" not in os.environ:
    # Before the tests that read it are imported.
    os.environ.update(SHORT | os.environ)

# A worker has longer for each of these than for any other; the longest begin first. They have more
# time than other tests, and coverage is not counted in them, for that would double it: what they
# reach is measured where it is tested.
LONG = (
    "test_town.py",
    "test_kill.py",
    "test_whole_gateway.py",
    "test_mosquitto_restarts.py",
    "test_kill_in_doubt.py",
    "test_tools_under_load.py",
    "test_power_cut.py",
    "test_store_model.py",
    "test_no_space.py",
    "test_power_cut_of_a_file.py",
    "test_generated_texts.py",
    "test_stop.py",
    "test_demo.py",
)
# Files of many tests that begin before the rest, lest one worker be left with them at the end.
NEXT = (
    "test_voice_gateway.py",
    "test_rtpengine_gateway.py",
    "test_store_tools.py",
    "test_start.py",
    "test_mosquitto_daemon.py",
    "test_media_workers.py",
    "test_tls.py",
    "test_baresip_media.py",
    "test_browser_phone.py",
    "test_call_leaks.py",
    "test_scheduler.py",
)
PLACES = {name: place for place, name in enumerate(LONG + NEXT)}
LONG_TIMEOUT_S = 400.0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After pytest-randomly has shuffled them."""
    items.sort(key=lambda item: PLACES.get(Path(item.path).name, len(PLACES)))
    for item in items:
        if Path(item.path).name not in LONG:
            break
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LONG_TIMEOUT_S))
        item.add_marker(pytest.mark.no_cover)
