"""What a backup consists of: `manifest.json`, written last, so that without it there is none."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from gateway.errors import StoreError
from gateway.store.segment import SegmentState

MANIFEST_NAME = "manifest.json"
FORMAT = 1
READ_SIZE = 1 << 20


class BackedUpFile(msgspec.Struct, frozen=True):
    """A file of the store, `name`, as it is kept in the backup, `kept_as`.

    `sha256` is that of the copy. `source_sha256` is that of the file it was copied from where
    that takes nothing more, else empty: SQLite's copy of a file is not octet for octet the same.
    """

    name: str
    kept_as: str
    octets: int
    sha256: str
    messages: int
    transitions: int
    state: SegmentState | None = None
    source_sha256: str = ""


class Manifest(msgspec.Struct, frozen=True):
    """`made_at` is when the copying began, in Unix seconds: all that was accepted before is in
    the backup. The catalogue is the first of the files."""

    format: int
    made_at: float
    schema: int
    files: tuple[BackedUpFile, ...]

    @property
    def messages(self) -> int:
        return sum(file.messages for file in self.files)

    @property
    def octets(self) -> int:
        return sum(file.octets for file in self.files)


_decoder = msgspec.json.Decoder(Manifest)


def read_manifest(directory: Path) -> Manifest | None:
    """The manifest of the backup in a directory; None where there is none.

    Raises:
        StoreError: it cannot be read, or is none of this version.
    """
    path = directory / MANIFEST_NAME
    try:
        manifest = _decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise StoreError(f"{path} has format {manifest.format}, and this program knows {FORMAT}")
    return manifest


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Put it in the place of the last one, in one step that a power cut leaves done or undone.

    Raises:
        OSError: the last one stays.
    """
    octets = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    partial = directory / f"{MANIFEST_NAME}.partial"
    with partial.open("wb") as file:
        file.write(octets + b"\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(directory / MANIFEST_NAME)


def sha256_of(path: Path, on_octets: Callable[[int], None] = lambda _octets: None) -> str:
    """
    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while octets := file.read(READ_SIZE):
            digest.update(octets)
            on_octets(len(octets))
    return digest.hexdigest()
