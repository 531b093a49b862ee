"""A backup becomes a store again, in a directory of its own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw

from gateway.errors import StoreError
from gateway.store.data_directory import LOCK_NAME, DataDirectory
from gateway.store.manifest import (
    MANIFEST_NAME,
    READ_SIZE,
    BackedUpFile,
    Manifest,
    read_manifest,
)
from gateway.store.schema import SCHEMA_VERSION

OnProgress = Callable[[int], None]


def check_backup(backup: Path) -> Manifest:
    """The manifest of a backup of which no file is missing.

    Raises:
        StoreError: it is not whole, or not for this version.
    """
    manifest = read_manifest(backup)
    if manifest is None:
        raise StoreError(f"there is no backup in {backup}: it has no {MANIFEST_NAME}")
    if manifest.schema > SCHEMA_VERSION:
        raise StoreError(
            f"the backup in {backup} has schema {manifest.schema} and this program knows"
            f" {SCHEMA_VERSION}: a newer version of the gateway made it"
        )
    for file in manifest.files:
        path = backup / file.kept_as
        if not path.is_file() or path.stat().st_size != file.octets:
            raise StoreError(f"{path} is missing or cut short: the backup is not whole")
    return manifest


def restore(backup: Path, target: Path, on_progress: OnProgress = lambda _octets: None) -> Manifest:
    """Copy a backup into an empty directory, which is made where it is missing.

    Raises:
        StoreError: the backup is not whole, or the directory is not empty or not to be written.
            Nothing in it can be taken for a store then.
    """
    manifest = check_backup(backup)
    claimed = DataDirectory.claim(target)
    try:
        if [name for name in claimed.names() if name != LOCK_NAME]:
            raise StoreError(f"{target} is not empty: restore into an empty directory")
        for file in manifest.files:
            _copy(backup / file.kept_as, _partial(target, file), file.sha256, on_progress)
        # The catalogue first: without it the segments would be taken for strays.
        for file in manifest.files:
            _partial(target, file).rename(target / file.name)
        claimed.sync()
    except (apsw.Error, OSError) as error:
        raise StoreError(f"{target} cannot be written: {error}") from error
    finally:
        for file in manifest.files:
            _partial(target, file).unlink(missing_ok=True)
        claimed.release()
    return manifest


def _partial(target: Path, file: BackedUpFile) -> Path:
    return target / f"{file.name}.partial"


def _copy(kept: Path, partial: Path, sha256: str, on_progress: OnProgress) -> None:
    digest = hashlib.sha256()
    with kept.open("rb", buffering=0) as source, partial.open("wb") as copy:
        while octets := source.read(READ_SIZE):
            digest.update(octets)
            copy.write(octets)
            on_progress(len(octets))
    if digest.hexdigest() != sha256:
        raise StoreError(f"{kept} is not what the manifest says: it is damaged")
    with closing(apsw.Connection(str(partial))) as connection:
        connection.pragma("journal_mode", "wal")
    with partial.open("rb") as flushed:
        os.fsync(flushed.fileno())
