import hashlib
import io
import re
import sys
import tomllib
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.config.secrets import verify
from tests.config.files import Files


def stdin(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_accounts_are_listed_without_their_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["accounts", "list", "--config", str(Files(tmp_path).entry)]) == 0
    listed = capsys.readouterr().out
    assert "AC0123456789abcdef0123456789abcdef" in listed
    assert "  sender   55501            short_code    100 MPS  registered\n" in listed
    assert "scrypt" not in listed
    assert " 0123456789abcdef0123456789abcdef" not in listed


def test_a_password_from_standard_input_is_hashed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin(monkeypatch, "demopass\n")
    assert main(["accounts", "hash-secret"]) == 0
    hashed = capsys.readouterr().out.strip()
    assert hashed.startswith("scrypt$")
    assert verify("demopass", hashed)


def test_the_secret_of_an_api_key_is_hashed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin(monkeypatch, "longer than eight\n")
    assert main(["accounts", "hash-secret", "--api-key"]) == 0
    hashed = capsys.readouterr().out.strip()
    assert hashed.startswith("sha256$")
    assert verify("longer than eight", hashed)


@pytest.mark.parametrize("text", ["", "\n", "ninechars\n"])
def test_what_no_esme_can_send_is_not_hashed(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin(monkeypatch, text)
    assert main(["accounts", "hash-secret"]) == 1
    assert capsys.readouterr().out == ""


def test_a_new_key_matches_the_hash_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accounts", "new-key"]) == 0
    made = re.fullmatch(
        r"# .*\n#   ([0-9a-f]{32})\n\[\[account\.api_keys\]\]\nsid = \"SK[0-9a-f]{32}\"\n"
        r"secret_hash = \"(.*)\"\n",
        capsys.readouterr().out,
    )
    assert made is not None
    assert verify(made[1], made[2])


def test_the_hashes_of_a_sip_user_are_those_of_the_realm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = Files(tmp_path)
    files.entry.write_text(files.entry.read_text() + '[sip]\nrealm = "sip.example.com"\n')
    stdin(monkeypatch, "secret\n")
    assert main(["accounts", "sip-user", "alice", "--config", str(files.entry)]) == 0
    made = tomllib.loads(capsys.readouterr().out)
    assert made == {
        "username": "alice",
        "ha1_md5": hashlib.md5(b"alice:sip.example.com:secret").hexdigest(),
        "ha1_sha256": hashlib.sha256(b"alice:sip.example.com:secret").hexdigest(),
    }


def test_what_no_phone_can_be_called_has_no_hashes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin(monkeypatch, "secret\n")
    assert main(["accounts", "sip-user", "a b"]) == 1
    assert capsys.readouterr().out == ""
