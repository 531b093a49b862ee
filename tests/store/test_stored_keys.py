"""Idempotency keys follow the messages that they have made."""

from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.store import key_replay
from gateway.store.interface import Accepted, Deleted, SeenKey
from gateway.store.key_index import KeyIndex
from gateway.store.store_reader import StoreReader
from tests.store.builders import a_message, finished
from tests.store.open_store import OpenStore

KEY = b"k" * 16
FINGERPRINT = b"f" * 16


def keyed(message_id: int = 1, key: bytes = KEY) -> Accepted:
    # The keys' window is counted from when a message was accepted.
    return Accepted(a_message(message_id), key, FINGERPRINT)


def lose_index(store: OpenStore) -> None:
    store.files.close()
    for path in store.path.glob("keys-*"):
        path.unlink()
    store.files.open()


def test_a_key_is_found_once_its_message_is_committed(store: OpenStore) -> None:
    store.write(keyed())
    assert store.files.find_key(KEY) == SeenKey(1, FINGERPRINT)


def test_a_key_that_comes_again_is_that_of_the_newest_message(store: OpenStore) -> None:
    """So are the message_ids of SMPP v3.3 found, which come round."""
    store.write(keyed(1), keyed(2))
    store.write(keyed(3))
    assert store.files.find_key(KEY) == SeenKey(3, FINGERPRINT)


def test_a_message_without_key_leaves_none(store: OpenStore) -> None:
    store.write(Accepted(a_message()))
    assert store.files.find_key(b"") is None
    assert store.connections.rows(1, "SELECT key FROM job") == [(None,)]


def test_keys_that_the_index_has_lost_are_read_from_the_messages(store: OpenStore) -> None:
    for message_id in (1, 2, 3):
        store.write(keyed(message_id, bytes([message_id]) * 16), *finished(message_id)[1:])
        store.roll()
    lose_index(store)
    for message_id in (1, 2, 3):
        seen = SeenKey(message_id, FINGERPRINT)
        assert store.files.find_key(bytes([message_id]) * 16) == seen


def test_the_keys_of_carried_messages_are_read_too(store: OpenStore) -> None:
    store.write(keyed())
    store.drop_all()
    lose_index(store)
    assert store.files.find_key(KEY) == SeenKey(1, FINGERPRINT)


def test_keys_beyond_their_window_are_not_read(store: OpenStore) -> None:
    store.write(keyed())
    store.now += 8 * 86_400.0
    lose_index(store)
    assert store.files.find_key(KEY) is None


def test_more_keys_than_a_page_are_read(store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for message_id in range(1, 4):
        store.write(keyed(message_id, bytes([message_id]) * 16))
    monkeypatch.setattr("gateway.store.key_replay._KEYS", _keys_in_pages_of_two())
    lose_index(store)
    assert all(store.files.find_key(bytes([n]) * 16) for n in (1, 2, 3))


def _keys_in_pages_of_two() -> str:
    return key_replay._KEYS.replace("1000", "2")


def test_a_commit_whose_key_cannot_be_noted_has_failed(
    store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: KeyIndex, *args: object) -> None:
        raise StoreError("no index")

    with monkeypatch.context() as patched:
        patched.setattr(KeyIndex, "add", refuse)
        with pytest.raises(StoreError, match="no index"):
            store.write(keyed())
    store.files.close()
    store.files.open([keyed().message])
    assert store.files.find_key(KEY) is None
    assert store.fetch() is None


def test_the_key_of_a_message_that_was_not_kept_is_taken_back(store: OpenStore) -> None:
    store.write(keyed())
    store.files.close()
    store.files.open([keyed().message])
    assert store.files.find_key(KEY) is None


def test_a_key_that_was_noted_of_a_message_that_is_not_there_does_not_count(
    store: OpenStore,
) -> None:
    assert not store.ask(StoreReader.knows, 1, KEY)


def test_a_key_is_durable_before_its_message_is_dropped(store: OpenStore) -> None:
    store.write(keyed(), *finished(1)[1:])
    store.drop_all()
    (index,) = store.path.glob("keys-*.db")
    assert KEY in index.read_bytes()


def test_keys_whose_files_cannot_be_listed_are_not_taken_for_flushed(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        key_replay.flush(tmp_path / "nowhere", None)


def test_the_key_of_a_deleted_message_counts(store: OpenStore) -> None:
    store.write(keyed(), Deleted(1))
    assert store.ask(StoreReader.knows, 1, KEY)


def test_the_key_of_a_message_that_was_dropped_counts(store: OpenStore) -> None:
    store.write(keyed(), *finished(1)[1:])
    store.drop_all()
    assert store.fetch() is None
    assert store.ask(StoreReader.knows, 1, KEY)


def test_a_key_that_another_message_has_made_does_not_count(store: OpenStore) -> None:
    store.write(keyed(1, b"x" * 16))
    assert not store.ask(StoreReader.knows, 1, KEY)
