"""The bench is deterministic, keeps score fairly, and its report is well-formed."""

from dataclasses import replace
from math import inf
from xml.etree import ElementTree

import pytest

from tests.bench_routing.baselines import BASELINES
from tests.bench_routing.game import play
from tests.bench_routing.ours import Ours
from tests.bench_routing.report import Row, plot, routers_table, scenarios_table
from tests.bench_routing.scenarios import DEVELOPMENT, HELD_OUT, Scenario, make_world
from tests.bench_routing.sms import ChooserFactory

SHORT = replace(DEVELOPMENT[0], length_s=40.0)


def a_row(router: str = "ours", share: float = 0.98, scenario: str = "quiet") -> Row:
    return Row(scenario, False, 1, router, share, 3.0, 21.5, 12.0, inf)


@pytest.mark.parametrize("factory", [Ours, *BASELINES])
def test_a_game_is_the_same_each_time_and_nobody_beats_the_clairvoyant(
    factory: ChooserFactory,
) -> None:
    first, second = play(SHORT, 1, factory), play(SHORT, 1, factory)
    assert first == second
    assert first.messages > 300
    assert first.utility <= first.best + 1e-9


@pytest.mark.parametrize("scenario", [*DEVELOPMENT, *HELD_OUT])
def test_trouble_befalls_the_best_route_while_the_game_lasts(scenario: Scenario) -> None:
    world, best, _ = make_world(scenario, 1)
    assert best in world.routes
    assert all(one.start < scenario.length_s for one in world.troubles)
    assert all(world.up(route, 0.0) for route in world.routes)


def test_the_report_has_a_row_for_each_router_and_a_plot_that_is_xml() -> None:
    rows = [a_row(), a_row("least cost", 0.7), a_row("ours", 0.9, "goes grey")]
    assert [line.split("|")[1].strip() for line in routers_table(rows).splitlines()[2:]] == [
        "ours",
        "least cost",
    ]
    assert "| goes grey | 90.0% | 90.0% | 3 | 12 s |  |" in scenarios_table(rows, "ours")
    assert ElementTree.fromstring(plot(rows)).tag.endswith("svg")
