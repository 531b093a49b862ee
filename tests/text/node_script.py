"""JavaScript that knows about texts and is not ours, run by Node.js: JSON in, JSON out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.npm_package import NodeMissing, installed_package

# Twilio's message-segment-calculator, as npm has it.
CALCULATOR = "sms-segments-calculator@1.3.0"
RUN_S = 50.0
SCRIPTS = Path(__file__).with_name("node")


def run_script(script: str, given: object = None, package: str = "") -> Any:
    """What a script makes of `given`; without a package it needs nothing but Node.js.

    Raises:
        NodeMissing: it cannot be run here.
    """
    node = shutil.which("node")
    if node is None:
        raise NodeMissing("node is not installed")
    modules = installed_package(package) if package else SCRIPTS
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
