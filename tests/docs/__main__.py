"""`python -m tests.docs` writes the generated blocks of the documentation anew."""

import sys

from tests.docs.generated import GENERATED
from tests.docs.page import ROOT, pages, with_blocks


def main() -> int:
    generated = {name: generate() for name, generate in GENERATED.items()}
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = with_blocks(before, generated)
        if after != before:
            page.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{page.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
