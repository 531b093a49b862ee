"""The code in the pages is right. A fence `python` holds a whole program, `py` a piece of one."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gateway.config import Config, load
from gateway.config.dialect import IdFormat
from gateway.webhooks.signature import signature
from tests.docs.page import DOCS, ROOT, pages, snippets

HOW_TO = DOCS / "how-to"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"


def all_snippets(*languages: str) -> list[Any]:
    return [
        pytest.param(snippet, id=f"{page.stem}-{language}-{number}")
        for page in pages()
        for language in languages
        for number, snippet in enumerate(snippets(page, language))
    ]


@pytest.mark.parametrize("snippet", all_snippets("python", "py"))
def test_python_compiles(snippet: str) -> None:
    compile(snippet, "snippet", "exec")


@pytest.mark.parametrize("snippet", all_snippets("sh"))
def test_shell_commands_parse(snippet: str) -> None:
    subprocess.run(["bash", "-n"], input=snippet, text=True, check=True)


@pytest.mark.parametrize("snippet", all_snippets("toml"))
def test_toml_parses(snippet: str) -> None:
    assert tomllib.loads(snippet)


def loaded(directory: Path, accounts: str, carriers: str) -> Config:
    (directory / "accounts.toml").write_text(accounts, encoding="utf-8")
    (directory / "carriers.toml").write_text(carriers, encoding="utf-8")
    entry = directory / "gateway.toml"
    entry.write_text(
        f'accounts = "accounts.toml"\ncarriers = "carriers.toml"\n'
        f'numbering_plan = "{ROOT / "conf" / "numbering_plan.csv"}"\n',
        encoding="utf-8",
    )
    passwords = ("FIRST_CARRIER_PASSWORD", "FIRST_CARRIER_OUTBIND")
    return load(entry, dict.fromkeys(passwords, "secret"))


def test_the_account_of_the_how_to_is_accepted(tmp_path: Path) -> None:
    accounts = "\n".join(snippets(HOW_TO / "add-an-account.md", "toml"))

    (account,) = loaded(tmp_path, accounts, "").accounts

    assert [sender.segments_per_second for sender in account.senders] == [225.0, 200.0]
    assert len(account.api_keys) == len(account.esmes) == 1


def test_the_carrier_of_the_how_to_is_accepted(tmp_path: Path) -> None:
    *tables, ids = snippets(HOW_TO / "add-a-carrier.md", "toml")
    carriers = "\n".join(tables).replace('id = "first"', ids.removeprefix("[[carrier]]\n"), 1)

    (carrier,) = loaded(tmp_path, "", carriers).carriers

    assert [bind.password for bind in carrier.binds] == ["secret"] * 3
    assert all(bind.dialect == carrier.dialect for bind in carrier.binds)
    assert carrier.receipt_id is IdFormat.DECIMAL


def test_the_signature_check_of_the_how_to_knows_ours() -> None:
    (snippet,) = snippets(HOW_TO / "receive-status-callbacks.md", "py")
    names: dict[str, Any] = {}
    exec(compile(snippet, "snippet", "exec"), names)
    url, form = "https://customer.example/status?a=b", {"To": "+15005550009", "Body": "é "}
    ours = signature(AUTH_TOKEN, url, form.items())

    assert names["is_ours"](AUTH_TOKEN, url, form, ours)
    assert not names["is_ours"](AUTH_TOKEN, url, form | {"To": "+15005550001"}, ours)


@pytest.mark.e2e
def test_the_pytest_example_passes(tmp_path: Path) -> None:
    (snippet,) = snippets(HOW_TO / "test-your-own-code.md", "py")
    suite = tmp_path / "test_notify.py"
    suite.write_text(snippet, encoding="utf-8")

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), str(suite)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "3 passed" in ended.stdout, ended.stdout
