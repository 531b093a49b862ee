"""`supernet store`: what it says, and its exit codes."""

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from gateway.cli import main
from gateway.clock import message_sid
from gateway.store.data_directory import DataDirectory
from tests.config.files import Files, edit
from tests.store.builders import ACCOUNT, NOON, OTHER_ACCOUNT
from tests.store.handmade_store import CATALOGUE, HandmadeStore, whole_store

SUMMARISED, SEALED, LIVE = 2, 3, 4


@pytest.fixture
def files(tmp_path: Path) -> HandmadeStore:
    return whole_store(tmp_path / "store")


def store(action: str, files: HandmadeStore, *arguments: object) -> int:
    """Run an action on a store's directory."""
    return main(["store", action, "--directory", str(files.directory), *map(str, arguments)])


def lines(octets: str | bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in octets.splitlines()]


def sids(found: list[dict[str, Any]]) -> list[str]:
    return [message["sid"] for message in found]


# verify


def test_a_whole_store_is_exit_code_0_and_one_line(
    files: HandmadeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store("verify", files) == 0
    assert capsys.readouterr().out == (
        "checked 11 messages (4 open), 2 statuses to be told: all well\n"
    )


def test_damage_is_exit_code_1_and_a_line_each(
    files: HandmadeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    files.path(LIVE).unlink()
    assert store("verify", files, "--quick") == 1
    assert capsys.readouterr().out.splitlines() == [
        "segment-00000004.db: is missing",
        "checked 9 messages (3 open), 2 statuses to be told: 1 finding",
    ]


def test_a_directory_without_a_store_is_one_line_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", "verify", "--directory", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"supernet: there is no store in {tmp_path}: it has no store.db\n"
    )


def test_the_directory_of_a_configuration_is_taken(
    files: HandmadeStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured = Files(tmp_path)
    edit(configured.entry, "[log]", f'[store]\ndirectory = "{files.directory}"\n\n[log]')
    assert main(["store", "verify", "--config", str(configured.entry)]) == 0
    assert capsys.readouterr().out.startswith("checked 11 messages")


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify"],
        ["verify", "--config", "a", "--directory", "b"],
        ["dump", "--directory", "a", "--sid", "SM1"],
        ["dump", "--directory", "a", "--account", "AC1"],
        ["dump", "--directory", "a", "--since", "yesterday"],
        ["backup", "--directory", "a"],
        ["restore", "--directory", "a"],
        ["compact"],
    ],
)
def test_wrong_arguments_are_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["store", *arguments])
    assert "usage: supernet store" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["verify", "dump", "backup", "restore", "compact"])
def test_every_action_has_examples(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["store", action, "--help"])
    assert f"supernet store {action} " in capsys.readouterr().out.partition("examples:")[2]


# dump


def test_every_message_is_a_line(files: HandmadeStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert store("dump", files) == 0
    found = lines(capsys.readouterr().out)
    assert len(found) == 11
    assert found[0]["status"] == "sent"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--sid", message_sid(12)], [12]),
        (["--account", OTHER_ACCOUNT], [20]),
        (["--account", ACCOUNT, "--open"], [1, 22, 30, 31]),
        (["--since", "2023-11-14T22:13:40Z", "--until", "2023-11-14T23:13:42+01:00"], [20, 21]),
        (["--until", "2023-11-14"], []),
    ],
)
def test_what_is_dumped_can_be_chosen(
    files: HandmadeStore,
    arguments: list[str],
    found: list[int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert store("dump", files, *arguments) == 0
    assert sids(lines(capsys.readouterr().out)) == list(map(message_sid, found))


def test_bodies_and_whole_numbers_come_only_where_they_are_asked_for(
    files: HandmadeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store("dump", files, "--sid", message_sid(31))
    said = capsys.readouterr().out
    assert '"to":"+1501*****61"' in said
    assert "nobody" not in said
    store("dump", files, "--sid", message_sid(31), "--bodies", "--numbers")
    said = capsys.readouterr().out
    assert '"to":"+15017122661"' in said
    assert '"body":"seen by nobody"' in said


@pytest.mark.parametrize("name", ["all.ndjson", "all.ndjson.zst"])
def test_a_dump_goes_into_a_file(
    files: HandmadeStore, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store("dump", files, "--output", tmp_path / name) == 0
    octets = (tmp_path / name).read_bytes()
    if name.endswith(".zst"):
        octets = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(octets)).read()
    assert len(lines(octets)) == 11
    assert capsys.readouterr().out == ""
    assert (tmp_path / name).stat().st_mode & 0o077 == 0o040


def test_a_file_that_cannot_be_written_is_one_line(
    files: HandmadeStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store("dump", files, "--output", tmp_path / "nowhere" / "all.ndjson") == 1
    assert capsys.readouterr().err.endswith(
        "all.ndjson cannot be written: No such file or directory\n"
    )


def test_what_cannot_be_read_is_told_and_exit_code_1(
    files: HandmadeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    files.path(SUMMARISED).unlink()
    assert store("dump", files) == 1
    told = capsys.readouterr()
    assert told.err == "supernet: segment-00000002.db: it is missing\n"
    assert len(lines(told.out)) == 7


def test_a_reader_that_has_enough_ends_the_dump_quietly(
    files: HandmadeStore, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Closed(io.BytesIO):
        def write(self, _octets: Any) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Closed()))
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1, raising=False)
    assert store("dump", files) == 1
    assert capfd.readouterr().err == ""


# backup and restore


def test_a_backup_is_made_restored_and_verified(
    files: HandmadeStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store("backup", files, tmp_path / "backup") == 0
    assert re.fullmatch(
        r"backed up 11 messages in 4 files, 0\.2 MB; 0 had not changed\n", capsys.readouterr().out
    )
    target = tmp_path / "again"
    assert main(["store", "restore", str(tmp_path / "backup"), "--directory", str(target)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("restored 11 messages as they were at 2")
    assert "all well" in said
    assert "go out again" in said


def test_a_backup_is_for_the_daemons_user_and_group_only(
    files: HandmadeStore, tmp_path: Path
) -> None:
    store("backup", files, tmp_path / "backup")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "backup").iterdir()}
    assert modes == {0o640}


def test_a_restored_store_that_is_not_whole_is_exit_code_1(
    files: HandmadeStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files.sql(LIVE, "DELETE FROM job WHERE id = 31")
    store("backup", files, tmp_path / "backup")
    target = tmp_path / "again"
    assert main(["store", "restore", str(tmp_path / "backup"), "--directory", str(target)]) == 1
    assert "When the gateway starts" not in capsys.readouterr().out


# compact


def test_compact_says_what_it_gave_back(
    files: HandmadeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store("compact", files) == 0
    assert re.fullmatch(
        r"dropped 0 segments; [0-9.]+ MB before, [0-9.]+ MB after\n", capsys.readouterr().out
    )


def test_compact_drops_what_the_configuration_does_not_keep(
    files: HandmadeStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configured = Files(tmp_path)
    archive = tmp_path / "archive"
    edit(
        configured.entry,
        "[log]",
        f'[store]\ndirectory = "{files.directory}"\n\n'
        f'[events.archive]\ntarget = "{archive}"\nsegments = true\n\n[log]',
    )
    files.sql(CATALOGUE, "UPDATE segment SET sealed_at = ? WHERE number = 3", (NOON + 2,))
    assert main(["store", "compact", "--config", str(configured.entry)]) == 0
    assert capsys.readouterr().out.startswith("dropped 2 segments; ")
    assert len(list(archive.rglob("segment-*.ndjson.zst"))) == 2


def test_compact_leaves_a_running_gateway_alone(
    files: HandmadeStore, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = DataDirectory.claim(files.directory)
    assert store("compact", files) == 1
    assert "is in use by another process" in capsys.readouterr().err
    daemon.release()
