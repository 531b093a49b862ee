"""The order of the files, so that two workers end together: the long ones begin first."""

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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After pytest-randomly has shuffled them."""
    items.sort(key=lambda item: PLACES.get(Path(item.path).name, len(LONG)))
