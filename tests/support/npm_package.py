"""Packages of npm, each in one fixed version: installed once, outside of the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

INSTALL_S = 60.0


class NodeMissing(Exception):
    """Node.js or a package cannot be had here; the text says why."""


def installed_package(package: str) -> Path:
    """The node_modules that hold it; `package` is `name@version`.

    Raises:
        NodeMissing: neither there nor to be had.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NodeMissing("node and npm are not installed")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(cache) / "super-network-gateway" / "npm" / package
    modules = directory / "node_modules"
    if (modules / package.rpartition("@")[0] / "package.json").is_file():
        return modules
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [*command, str(directory), package],
            check=True,
            capture_output=True,
            timeout=INSTALL_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NodeMissing(f"npm cannot install {package}: {error}") from None
    return modules
