"""Functions are sorted into kinds of work as perf names them."""

import pytest

from tests.bench.instructions import OTHER, kind_of, kinds


@pytest.mark.parametrize(
    ("file", "function", "kind"),
    [
        ("[kernel.kallsyms]", "tcp_sendmsg", "kernel: TCP"),
        ("[kernel.kallsyms]", "ext4_sync_file", "kernel: flush, files"),
        ("[kernel.kallsyms]", "schedule", "kernel: other"),
        ("libpython3.11.so.1.0", "deduce_unreachable", "garbage collection"),
        ("libpython3.11.so.1.0", "dict_traverse", "garbage collection"),
        ("libpython3.11.so.1.0", "_PyObject_Malloc", "allocation"),
        ("libpython3.11.so.1.0", "_PyEval_EvalFrameDefault", "Python"),
        ("loop.cpython-311-x86_64-linux-gnu.so", "uv__io_poll", "event loop (uvloop)"),
        ("nothing.so", "known", OTHER),
    ],
)
def test_kind_of_a_function(file: str, function: str, kind: str) -> None:
    assert kind_of(file, function) == kind


def test_a_report_is_counted_and_its_comments_are_not() -> None:
    report = [
        "# Samples|Shared Object|Symbol",
        " 44 |libpython3.11.so.1.0|[.] _PyEval_EvalFrameDefault |- -",
        " 2 |[kernel.kallsyms]|[k] tcp_ack",
    ]
    assert kinds(report) == {"Python": 44, "kernel: TCP": 2}
