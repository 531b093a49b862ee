"""What only the garbage collector frees: objects of ours that know each other."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_to_the_collector() -> Iterator[list[str]]:
    """Their types, once what is within is over."""
    found: list[str] = []
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        ours = (type(one) for one in gc.garbage)
        found += sorted({kind.__name__ for kind in ours if kind.__module__.startswith("gateway.")})
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
