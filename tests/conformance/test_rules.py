"""Every rule is proved by a test that is there, and the report names exactly those."""

import pytest

from tests.conformance.named_tests import named_tests
from tests.conformance.report import PAGE, named_on
from tests.conformance.rules import CHAPTERS, RULES

TESTS = named_tests()
STALE = f"{PAGE.name} is out of date: run `make conformance`"


def test_there_are_sixty_rules() -> None:
    assert len(RULES) == sum(len(chapter) for chapter in CHAPTERS.values()) == 60


@pytest.mark.parametrize("rule", RULES)
def test_rule_has_a_test(rule: str) -> None:
    assert TESTS.get(rule), f"no test is named test_{rule.lower().replace('-', '_')}_…"


def test_every_id_in_a_name_is_one_of_a_rule() -> None:
    assert set(TESTS) <= set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_report_names_exactly_the_tests_of_a_rule(rule: str) -> None:
    assert named_on(PAGE.read_text(encoding="utf-8")).get(rule) == TESTS.get(rule), STALE


def test_report_has_every_rule_as_proved() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert f"\n{len(RULES)} of {len(RULES)} rules pass" in page
    assert "**fail**" not in page
    assert "**skipped**" not in page
