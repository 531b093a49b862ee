"""node-smpp, a stack for Node.js that shares nothing with ours: installed once, run as scripts."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.process import PATIENCE_S, ChildProcess

PACKAGE = "smpp@0.6.0-rc.4"
INSTALL_S = 60.0
SCRIPTS = Path(__file__).with_name("node")


class NodeMissing(Exception):
    """Node.js or the package cannot be had here; the text says why."""


def cache_directory() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "super-network-gateway" / "npm" / PACKAGE


def installed_package() -> Path:
    """The node_modules that hold the package, outside of the repository.

    Raises:
        NodeMissing: neither there nor to be had.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NodeMissing("node and npm are not installed")
    directory = cache_directory()
    modules = directory / "node_modules"
    if (modules / "smpp" / "package.json").is_file():
        return modules
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [*command, str(directory), PACKAGE],
            check=True,
            capture_output=True,
            timeout=INSTALL_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NodeMissing(f"npm cannot install {PACKAGE}: {error}") from None
    return modules


class NodeScript(ChildProcess):
    """A script of ours on node-smpp: tells events, one JSON object a line."""

    def __init__(self, modules: Path, script: str, *arguments: str) -> None:
        super().__init__(
            *("node", str(SCRIPTS / script), *arguments),
            directory=SCRIPTS,
            environment={"NODE_PATH": str(modules)},
        )

    def ask(self, **what: object) -> None:
        self.tell(json.dumps(what))

    def events(self, event: str, **facts: object) -> list[dict[str, Any]]:
        """Those of one kind, with these facts."""
        found = (json.loads(line) for line in self.said)
        return [line for line in found if line["event"] == event and line.items() >= facts.items()]

    async def wait_for(self, event: str, count: int = 1, **facts: object) -> list[dict[str, Any]]:
        """The same, once there are so many."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := self.events(event, **facts)) < count:
                await self.more()
        return found
