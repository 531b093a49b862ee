"""Foreign programs that tests speak with. `python -m tests.interop.peers` installs what is missing,
and with `--bench` what only the bench wants, too.

Debian's packages, as root and without any question; elsewhere somebody else must do it. What cannot
be had is said here, and again by each test that is skipped for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.npm_package import NodeMissing, installed_package

PACKAGES = {
    "mosquitto": "mosquitto",
    "bearerbox": "kannel",
    "smsbox": "kannel",
    "tshark": "tshark",
    "sipp": "sip-tester",
    "baresip": "baresip-core",
    "kamailio": "kamailio",
    "sipsak": "sipsak",
    "chromium": "chromium",
    "rtpengine": "rtpengine-daemon",
    "turnserver": "coturn",
}
# Of npm.
NODE_SMPP, SIP_JS = "smpp@0.6.0-rc.4", "sip.js@0.21.2"
# Only `make bench` wants these, for Jasmin.
BENCH_PACKAGES = {
    "redis-server": "redis-server",
    "rabbitmq-server": "rabbitmq-server",
    "epmd": "rabbitmq-server",
}

# Servers are not on everybody's path.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
APT_S = 300.0
APT = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=60")
# Debian asks this program whether a service may start; 101 means that none may.
POLICY = Path("/usr/sbin/policy-rc.d")
NO_SERVICES = "#!/bin/sh\nexit 101\n"


class PeerMissing(Exception):
    """A program is not here; the text says which, and how it comes here."""


def program(command: str) -> str:
    """Where a foreign program is.

    Raises:
        PeerMissing: nowhere.
    """
    found = shutil.which(command, path=PATH)
    if found is None:
        package = (PACKAGES | BENCH_PACKAGES)[command]
        raise PeerMissing(f"{command} is not installed (Debian: {package}; `make peers`)")
    return found


def install(packages: Sequence[str]) -> None:
    """From Debian's archive, each by itself, so that one that fails costs only its own tests."""
    if os.geteuid() or shutil.which(APT[0]) is None:
        return
    with no_services_started():
        _apt("update")
        for package in packages:
            _apt("install", "--yes", "--no-install-recommends", package)


def main() -> None:
    wanted = PACKAGES | (BENCH_PACKAGES if "--bench" in sys.argv[1:] else {})
    missing = {package for command, package in wanted.items() if not _here(command)}
    if missing:
        install(sorted(missing))
    lost = [command for command in wanted if not _here(command)]
    for package in (NODE_SMPP, SIP_JS):
        try:
            installed_package(package)
        except NodeMissing as reason:
            lost.append(f"{package} ({reason})")
    for peer in lost:
        sys.stdout.write(f"no {peer} here, and it could not be installed: its tests are skipped\n")


@contextmanager
def no_services_started() -> Iterator[None]:
    """While packages are installed; a policy that is there stays."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text(NO_SERVICES)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def _here(command: str) -> bool:
    try:
        return bool(program(command))
    except PeerMissing:
        return False


def _apt(*what: str) -> None:
    try:
        subprocess.run(
            [*APT, *what],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            timeout=APT_S,
        )
    except subprocess.TimeoutExpired:
        sys.stdout.write(f"apt-get {' '.join(what)} took more than {APT_S:g} s\n")


if __name__ == "__main__":
    main()
