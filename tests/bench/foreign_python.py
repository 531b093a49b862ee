"""Python programs that are not ours, each from PyPI in an environment of its own, outside of the
repository: they want other versions than we do.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.interop.peers import PeerMissing

INSTALL_S = 300.0


def as_it_comes(_environment: Path) -> None: ...


def environment_with(requirement: str, mend: Callable[[Path], None] = as_it_comes) -> Path:
    """The environment that has it; `mend` is called once, when it is new.

    Raises:
        PeerMissing: neither there nor to be had.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(cache) / "super-network-gateway" / requirement
    ready = directory / "ready"
    if ready.exists():
        return directory
    pip = (str(directory / "bin" / "pip"), "install", "-q", "--disable-pip-version-check")
    try:
        for command in ((sys.executable, "-m", "venv", str(directory)), (*pip, requirement)):
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise PeerMissing(f"pip cannot install {requirement}: {error}") from None
    mend(directory)
    ready.touch()
    return directory
