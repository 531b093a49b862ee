"""JavaScript that knows about texts and is not ours, run by Node.js: JSON in, JSON out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

# Twilio's message-segment-calculator, as npm has it.
CALCULATOR = "sms-segments-calculator@1.3.0"
INSTALL_S = 50.0
RUN_S = 50.0
SCRIPTS = Path(__file__).with_name("node")


class NodeMissing(Exception):
    """Node.js or a package cannot be had here; the text says why."""


def run_script(script: str, given: object = None, package: str = "") -> Any:
    """What a script makes of `given`; without a package it needs nothing but Node.js.

    Raises:
        NodeMissing: it cannot be run here.
    """
    node = shutil.which("node")
    if node is None:
        raise NodeMissing("node is not installed")
    modules = installed_modules(package) if package else SCRIPTS
    done = subprocess.run(
        [node, str(SCRIPTS / script)],
        input=json.dumps(given),
        env=os.environ | {"NODE_PATH": str(modules)},
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=RUN_S,
    )
    return json.loads(done.stdout)


def installed_modules(package: str) -> Path:
    """The node_modules that hold a package, outside of the repository and installed once.

    Raises:
        NodeMissing: neither there nor to be had.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise NodeMissing("npm is not installed")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(cache) / "super-network-gateway" / "npm" / package
    modules = directory / "node_modules"
    name = package.rpartition("@")[0]
    if (modules / name / "package.json").is_file():
        return modules
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [*command, str(directory), package], check=True, capture_output=True, timeout=INSTALL_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NodeMissing(f"npm cannot install {package}: {error}") from None
    return modules
