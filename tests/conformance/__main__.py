"""`python -m tests.conformance` runs the tests of every rule and writes the report.

Its exit code is 0 when all 60 rules have tests and all of these pass.
"""

import os
import sys

import pytest

from tests.conformance.named_tests import ROOT, named_tests
from tests.conformance.outcomes import Listener, Outcome
from tests.conformance.report import PAGE, report
from tests.conformance.rules import RULES


def main() -> int:
    os.chdir(ROOT)
    tests = named_tests()
    proofs = [test for rule in RULES for test in tests.get(rule, ())]
    listener = Listener()
    pytest.main(["-q", "-rs", *proofs], plugins=[listener])
    PAGE.write_text(report(tests, listener.outcomes), encoding="utf-8")
    open_rules = [
        rule
        for rule in RULES
        if not tests.get(rule)
        or any(listener.outcomes.get(test) is not Outcome.PASS for test in tests[rule])
    ]
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")
    if open_rules:
        sys.stdout.write(f"not proved: {', '.join(open_rules)}\n")
    return bool(open_rules)


if __name__ == "__main__":
    sys.exit(main())
