"""docs/reference/smpp-conformance.md: each rule, its section, its tests, and what a run said."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

from tests.conformance.named_tests import ROOT
from tests.conformance.outcomes import Outcome, worst
from tests.conformance.rules import CHAPTERS, RULES, Rule
from tests.docs.page import code, table

PAGE = ROOT / "docs" / "reference" / "smpp-conformance.md"

HEAD = """\
# Conformance to SMPP and GSM 03.38

Written by `make conformance`, which runs the tests below; a test fails when this page does not name
exactly the tests that there are. Sections are those of SMPP v3.4 Issue 1.2, SMPP v5.0, and 3GPP
TS 23.038 and 23.040; "ours" is a rule that no specification has.

Tests in `tests/interop` are against software that is not ours: Kannel's bearerbox and node-smpp as
ESMEs, smpplib, node-smpp as a carrier, and tshark, which reads what goes over the wires. Kannel is
no carrier here: for that it needs opensmppbox, which Debian does not have. `make peers` installs
what is missing; a rule whose test was skipped for want of one says so below.

"""
NAMED = re.compile(r"^- `(?P<file>[^`]+)`: (?P<names>.+)$")

Tests = Mapping[str, Sequence[str]]


def report(tests: Tests, outcomes: Mapping[str, Outcome]) -> str:
    """The page. It has no date and no duration, so that the same outcomes make the same page."""
    results = {
        rule: worst([outcomes.get(test, Outcome.FAIL) for test in tests.get(rule, ())])
        for rule in RULES
    }
    passed = sum(1 for result in results.values() if result is Outcome.PASS)
    count = sum(len(tests.get(rule, ())) for rule in RULES)
    page = HEAD + f"{passed} of {len(RULES)} rules pass, by {count} tests.\n"
    for chapter, rules in CHAPTERS.items():
        page += f"\n## {chapter}\n" + table(
            ("Rule", "What it asks", "Section", "Tests", "Result"),
            (
                (
                    rule.id,
                    rule.asks,
                    rule.section,
                    str(len(tests.get(rule.id, ()))),
                    results[rule.id].value,
                )
                for rule in rules
            ),
        )
        page += "\n".join(_proofs(rule, tests.get(rule.id, ()), outcomes) for rule in rules)
    return page


def _proofs(rule: Rule, tests: Sequence[str], outcomes: Mapping[str, Outcome]) -> str:
    """The tests of a rule by their files; what did not pass says so."""
    lines = [f"{rule.id}:" + ("" if tests else " no test."), ""]
    for file, named in groupby(tests, key=lambda test: test.partition("::")[0]):
        names = []
        for test in named:
            outcome = outcomes.get(test, Outcome.FAIL)
            said = "" if outcome is Outcome.PASS else f" **{outcome.value}**"
            names.append(code(test.partition("::")[2]) + said)
        lines.append(f"- {code(file)}: " + ", ".join(names))
    return "\n".join(lines) + ("\n" if tests else "")


def named_on(page: str) -> dict[str, list[str]]:
    """The node ids that a page names, by rule."""
    found: dict[str, list[str]] = {}
    rule = ""
    for line in page.splitlines():
        if (heading := line.partition(":")[0]) in RULES:
            rule = heading
        elif named := NAMED.match(line):
            names = re.findall(r"`([^`]+)`", named["names"])
            found.setdefault(rule, []).extend(f"{named['file']}::{name}" for name in names)
    return found
