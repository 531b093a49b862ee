"""What kind of work an instruction does, from the names of its function and of the file it is in:
pure, over the report of perf.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

OTHER = "other"
# The first that matches: by function, else by file. CPython's names are those of 3.11.
FUNCTIONS = (
    ("kernel: flush, files", r"(ext4|jbd2|blk|vfs_(write|read|fsync)|virtio|bio|filemap|folio).*"),
    ("kernel: TCP", r"_*(tcp|ip|sock|inet|skb|net|nf|loopback|dev)_.*|.*skb.*"),
    (
        "garbage collection",
        r"gc_.*|deduce_unreachable|visit_\w+|\w+_traverse|(update|subtract)_refs|"
        r"move_\w+|untrack_\w+|delete_garbage|PyObject_GC_(Track|UnTrack|Del)|_PyObject_GC.*",
    ),
    (
        "allocation",
        r"_?Py(Object|Mem)_(Malloc|Free|Realloc|Calloc|RawMalloc|RawFree).*|_?PyObject_New.*|"
        r"malloc.*|c?free|_int_(malloc|free|realloc).*|realloc|calloc|\w+_dealloc|_Py_Dealloc.*|"
        r"PyType_GenericAlloc|pymalloc_\w+|unlink_chunk.*",
    ),
)
FILES = (
    ("kernel: other", r"\[.*"),
    ("Python", r"(libpython|python3).*"),
    ("event loop (uvloop)", r"loop\.cpython.*"),
    ("SQLite (apsw)", r"(__init__\.cpython|apsw|libsqlite).*"),
    ("C library", r"(libc|libm|libpthread|ld-linux).*"),
)


def kinds(lines: Iterable[str]) -> Counter[str]:
    """Of a report with `samples|file|[.] function` on each line."""
    counts: Counter[str] = Counter()
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) >= 3 and cells[0].isdigit():
            counts[kind_of(cells[1], cells[2][4:].strip())] += int(cells[0])
    return counts


def kind_of(file: str, function: str) -> str:
    for names, text in ((FUNCTIONS, function), (FILES, file)):
        for kind, pattern in names:
            if kind.startswith("kernel") and not file.startswith("["):
                continue
            if re.fullmatch(pattern, text):
                return kind
    return OTHER
