"""Jasmin, from PyPI, in an environment of its own: it wants other versions than we do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.interop.peers import PeerMissing

REQUIREMENT = "jasmin==0.11.1"
INSTALL_S = 300.0

# As it comes it looks for the answer in the request, so that it knows the id of no message and no
# receipt finds its own (jookies/jasmin issue 1236).
LISTENERS = "jasmin/managers/listeners.py"
WRONG, RIGHT = "_pdu.response.", "r.response."


def environment() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "super-network-gateway" / REQUIREMENT


def installed_jasmin() -> Path:
    """The environment that has it.

    Raises:
        PeerMissing: neither there nor to be had.
    """
    directory = environment()
    ready = directory / "ready"
    if ready.exists():
        return directory
    pip = (str(directory / "bin" / "pip"), "install", "-q", "--disable-pip-version-check")
    try:
        for command in ((sys.executable, "-m", "venv", str(directory)), (*pip, REQUIREMENT)):
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise PeerMissing(f"pip cannot install {REQUIREMENT}: {error}") from None
    listeners = next(directory.glob(f"lib/python3*/site-packages/{LISTENERS}"))
    listeners.write_text(listeners.read_text().replace(WRONG, RIGHT))
    ready.touch()
    return directory
