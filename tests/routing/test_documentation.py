"""The examples of the how-to page run as they stand."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "drive-the-router.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def test_the_first_example_of_the_how_to_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(BLOCKS[0], PAGE.name, "exec"), {})
    assert capsys.readouterr().out.splitlines() == [
        "alpha/1 goes first of 3: priority 1 for 26201, utility 0.4827 at price 0.07, delivers "
        "0.920, turn 0.000; next alpha/2: priority 1 for 26201, utility 0.4827 at price 0.07, "
        "delivers 0.920, turn 0.000; blocked: gamma/1 sender type not allowed",
        "no bind can take it now: alpha/1 already tried; alpha/2 down; beta/1 down; "
        "gamma/1 sender type not allowed",
        "alpha/1 ready 84/s 0.10 s",
        "alpha/2 down 100/s 0.10 s",
        "beta/1 down 200/s 0.10 s",
        "gamma/1 ready 100/s 0.10 s",
        "['down', 'down']",
    ]


@pytest.mark.parametrize("block", BLOCKS[1:])
def test_the_other_examples_run(block: str) -> None:
    exec(compile(block, PAGE.name, "exec"), {})
