"""A certificate authority for tests of TLS."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


class Authority:
    """A certificate authority, through openssl."""

    def __init__(self, directory: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        directory.mkdir()
        self._directory = directory
        self._make("ca", "-x509", "-subj", "/CN=an authority", "-days", "2")
        self.certificate = str(directory / "ca.crt")

    def issue(self, name: str, subject: str, alternative: str) -> tuple[str, str]:
        """A certificate, and its key."""
        ca = ("-CA", self.certificate, "-CAkey", str(self._directory / "ca.key"))
        names = ("-addext", f"subjectAltName={alternative}")
        self._make(name, "-x509", "-days", "2", "-subj", f"/CN={subject}", *names, *ca)
        return str(self._directory / f"{name}.crt"), str(self._directory / f"{name}.key")

    def _make(self, name: str, *arguments: str) -> None:
        key, certificate = self._directory / f"{name}.key", self._directory / f"{name}.crt"
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        subprocess.run(
            ["openssl", "req", *curve, "-keyout", key, "-out", certificate, *arguments],
            check=True,
            capture_output=True,
        )

    def encrypt(self, key: str, encrypted: str) -> str:
        """The same key behind a password."""
        command = ["openssl", "pkcs8", "-topk8", "-in", key, "-out", encrypted]
        subprocess.run([*command, "-passout", "pass:secret"], check=True, capture_output=True)
        return encrypted
