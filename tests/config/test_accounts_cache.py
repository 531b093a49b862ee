"""Accounts that are kept for the next start are those of the file, or none."""

from pathlib import Path

import pytest

from gateway.config import Config, accounts_cache, load
from gateway.errors import ConfigError
from tests.config.files import Files, edit


@pytest.fixture(autouse=True)
def few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts_cache, "KEPT_FROM", 1)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    (tmp_path / "conf").mkdir()
    return Files(tmp_path / "conf")


@pytest.fixture
def store(files: Files, tmp_path: Path) -> Path:
    """The directory of a store that the configuration names."""
    directory = tmp_path / "store"
    directory.mkdir()
    edit(files.entry, "[log]", f'[store]\ndirectory = "{directory}"\n[log]')
    return directory


def start(files: Files, store: Path) -> Config:
    """As far as accounts go."""
    config = load(files.entry, {}, from_cache=True)
    accounts_cache.keep(store, config.accounts_key, config.accounts)
    return config


def is_from_cache(files: Files, monkeypatch: pytest.MonkeyPatch) -> bool:
    with monkeypatch.context() as patch:
        checked: list[object] = []
        patch.setattr("gateway.config.gateway_file.check_accounts", lambda *_: checked.append(1))
        load(files.entry, {}, from_cache=True)
        return not checked


def test_the_next_start_has_the_same_accounts_without_reading_toml(
    files: Files, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start(files, store)
    assert len(first.accounts) == 2
    assert is_from_cache(files, monkeypatch)
    assert load(files.entry, {}, from_cache=True) == first == load(files.entry, {})


def test_it_is_the_daemons_alone_to_read(files: Files, store: Path) -> None:
    start(files, store)
    assert (store / accounts_cache.NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in store.iterdir()] == [accounts_cache.NAME]


def test_a_file_that_has_changed_is_read_anew(
    files: Files, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(files, store)
    edit(files.accounts, "mps = 100", "mps = 99")
    assert not is_from_cache(files, monkeypatch)
    assert start(files, store).accounts[0].senders[0].mps == 99
    assert is_from_cache(files, monkeypatch)


def test_a_mistake_made_since_is_told_with_file_line_and_key(files: Files, store: Path) -> None:
    start(files, store)
    edit(files.accounts, "mps = 100", "mps = -1")
    with pytest.raises(ConfigError, match=r"accounts\.toml:\d+: \[\[account\.senders\]\] mps: "):
        load(files.entry, {}, from_cache=True)


def test_other_rules_are_not_taken_on_trust(
    files: Files, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(files, store)
    monkeypatch.setattr(accounts_cache, "_digest_of_code", lambda: b"another version")
    assert not is_from_cache(files, monkeypatch)


@pytest.mark.parametrize("place", [0, 25, 60, -1])
def test_what_is_damaged_is_not_used(
    files: Files, store: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    start(files, store)
    kept = bytearray((store / accounts_cache.NAME).read_bytes())
    kept[place] ^= 1
    (store / accounts_cache.NAME).write_bytes(kept)
    assert not is_from_cache(files, monkeypatch)


def test_what_was_cut_off_is_not_used(
    files: Files, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(files, store)
    kept = (store / accounts_cache.NAME).read_bytes()
    for size in (0, 30, len(kept) - 1):
        (store / accounts_cache.NAME).write_bytes(kept[:size])
        assert not is_from_cache(files, monkeypatch)


def test_few_accounts_are_not_kept(
    files: Files, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(files, store)
    monkeypatch.setattr(accounts_cache, "KEPT_FROM", 3)
    start(files, store)
    assert list(store.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_no_trouble(
    files: Files, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = load(files.entry, {})
    accounts_cache.keep(store / "missing", config.accounts_key, config.accounts)
    assert caplog.messages == ["accounts not kept"]
