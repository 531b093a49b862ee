import re
from pathlib import Path

import pytest

from carriers_sim.violations import VIOLATIONS_MAX, Invariant, Violations

RULE = re.compile(r"(SRV|CLI|RCP|GSM)-\d+")
HERE = Path(__file__).parent


def test_all_are_counted_and_a_bounded_number_is_kept() -> None:
    violations = Violations()
    for _ in range(VIOLATIONS_MAX + 5):
        violations.add(Invariant.ORDER, "alpha", "", 0.0)
    assert len(violations.kept) == VIOLATIONS_MAX
    assert violations.counts[Invariant.ORDER] == VIOLATIONS_MAX + 5


def test_what_was_provoked_can_be_forgiven() -> None:
    violations = Violations()
    for invariant in (Invariant.ORDER, Invariant.WINDOW):
        violations.add(invariant, "alpha", "", 0.0)
    violations.forgive(Invariant.ORDER)
    assert [kept.invariant for kept in violations.kept] == [Invariant.WINDOW]
    assert violations.counts == {Invariant.WINDOW: 1}


@pytest.mark.parametrize("invariant", Invariant)
def test_an_invariant_names_its_rules(invariant: Invariant) -> None:
    assert all(RULE.fullmatch(rule) for rule in invariant.rules)


@pytest.mark.parametrize("invariant", Invariant)
def test_each_invariant_is_provoked_by_a_test(invariant: Invariant) -> None:
    texts = (path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    asserted = re.compile(rf"Invariant\.{invariant.name}[]}}]")
    assert any(asserted.search(text) for text in texts)
