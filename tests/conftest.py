"""The order of the files, so that two workers end together: the long ones begin first.

These are loops of kills, power cuts and seeds. They have more time than other tests, and coverage
is not counted in them, for that would double it: what they reach is measured where it is tested.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# What an example takes says more of the machine's other work than of the code.
settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")

# Of each of these a worker has for half a minute or more.
LONG = (
    "test_kill.py",
    "test_kill_in_doubt.py",
    "test_whole_gateway.py",
    "test_power_cut.py",
    "test_town.py",
    "test_tools_under_load.py",
    "test_store_model.py",
    "test_no_space.py",
    "test_mosquitto_restarts.py",
    "test_power_cut_of_a_file.py",
    "test_generated_texts.py",
    "test_stop.py",
    "test_demo.py",
)
PLACES = {name: place for place, name in enumerate(LONG)}
LONG_TIMEOUT_S = 400.0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After pytest-randomly has shuffled them."""
    items.sort(key=lambda item: PLACES.get(Path(item.path).name, len(LONG)))
    for item in items:
        if Path(item.path).name not in PLACES:
            break
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LONG_TIMEOUT_S))
        item.add_marker(pytest.mark.no_cover)
