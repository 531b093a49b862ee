"""The report: found tests, their outcomes, and the page that is made of both."""

from pathlib import Path
from typing import Literal

import pytest

from tests.conformance.named_tests import named_tests, rule_of
from tests.conformance.outcomes import Listener, Outcome, worst
from tests.conformance.report import named_on, report

SOURCE = """
def test_srv_1_first(): ...
async def test_srv_1_second(): ...
def helper():
    def test_srv_2_not_collected(): ...
class TestIt:
    def test_gsm_20_method(self): ...
def test_without_an_id(): ...
"""
OUTCOMES: tuple[tuple[str, Literal["passed", "failed"]], ...] = (
    ("a[1]", "passed"),
    ("a[2]", "failed"),
    ("b", "passed"),
)
PROOFS = {"SRV-1": ["tests/test_a.py::test_srv_1_x", "tests/test_b.py::test_srv_1_y"]}


def test_tests_are_found_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(SOURCE)

    assert named_tests(tmp_path / "tests") == {
        "SRV-1": ["tests/test_a.py::test_srv_1_first", "tests/test_a.py::test_srv_1_second"],
        "GSM-20": ["tests/test_a.py::TestIt::test_gsm_20_method"],
    }


@pytest.mark.parametrize(
    ("name", "rule"), [("test_rcp_3_text", "RCP-3"), ("test_cli_5", None), ("a_test_srv_1_b", None)]
)
def test_rule_of_a_name(name: str, rule: str | None) -> None:
    assert rule_of(f"tests/test_a.py::{name}") == rule


def test_worst_outcome_counts_and_none_is_no_proof() -> None:
    assert worst([Outcome.PASS, Outcome.FAIL, Outcome.SKIPPED]) is Outcome.FAIL
    assert worst([Outcome.SKIPPED, Outcome.PASS]) is Outcome.SKIPPED
    assert worst([]) is Outcome.FAIL


def test_outcome_of_a_test_is_that_of_its_worst_parameter() -> None:
    listener = Listener()
    for name, outcome in OUTCOMES:
        said = pytest.TestReport(name, ("", None, ""), {}, outcome, None, "call")
        listener.pytest_runtest_logreport(said)

    assert listener.outcomes == {"a": Outcome.FAIL, "b": Outcome.PASS}


def test_page_names_the_tests_that_it_was_made_of() -> None:
    page = report(PROOFS, {test: Outcome.PASS for test in PROOFS["SRV-1"]})

    assert named_on(page) == PROOFS
    assert "\n1 of 60 rules pass, by 2 tests.\n" in page


def test_page_says_what_did_not_pass() -> None:
    page = report(PROOFS, {PROOFS["SRV-1"][0]: Outcome.SKIPPED})

    assert "`test_srv_1_x` **skipped**" in page
    assert "`test_srv_1_y` **fail**" in page
    assert "SRV-2: no test." in page
