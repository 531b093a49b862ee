"""Where finished archive files are kept: a directory, or a bucket of an S3-compatible service."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from gateway.config.sections import Archive
from gateway.errors import ConfigError, GatewayError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig, S3Config

# One attempt of an upload, with what obstore repeats by itself; the sink comes again after that.
REQUEST_TIMEOUT = timedelta(seconds=30)
RETRIES_MAX = 2
RETRY_TIMEOUT = timedelta(seconds=60)


class ArchiveError(GatewayError):
    """The target has not taken a file."""


class ArchiveTarget(Protocol):
    """Calls block. `workshop` is the directory in which files are to be made."""

    workshop: Path

    def put(self, path: Path, name: str) -> None:
        """Keep a finished file under a name, instead of what is there; it is durable then, and
        no longer at `path`.

        Raises:
            ArchiveError: it is not kept, and still at `path`.
        """
        ...


class DirectoryTarget:
    """Files are made in it under a hidden name, so that keeping one is a rename."""

    def __init__(self, root: Path) -> None:
        """Raises ConfigError where it cannot be made."""
        self.workshop = root
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"[events.archive] target: {error}") from None

    def put(self, path: Path, name: str) -> None:
        final = self.workshop / name
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            path.replace(final)
            # A rename, and each new directory, is durable once the directory above is.
            for directory in final.relative_to(self.workshop).parents:
                _sync(self.workshop / directory)
        except OSError as error:
            raise ArchiveError(str(error)) from None


class BucketTarget:
    """Any store of obstore's. An upload is seen in it only once it is complete."""

    def __init__(self, store: ObjectStore, workshop: Path) -> None:
        self.workshop = workshop
        self._store = store
        workshop.mkdir(parents=True, exist_ok=True)

    def put(self, path: Path, name: str) -> None:
        import obstore
        from obstore.exceptions import BaseError

        try:
            obstore.put(self._store, name, path)
            path.unlink()
        except (BaseError, OSError) as error:
            raise ArchiveError(str(error)) from None


def archive_target(config: Archive, workshop: Path) -> ArchiveTarget:
    """What the configuration names. Files for a bucket are made in `workshop`.

    Raises:
        ConfigError: it cannot be used.
    """
    if "://" not in config.target:
        return DirectoryTarget(Path(config.target))
    url = urlsplit(config.target)
    if url.scheme != "s3" or not url.hostname:
        raise ConfigError("[events.archive] target: expected a directory or s3://bucket/prefix")
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store
    except ImportError:
        raise ConfigError(
            "[events.archive] target: s3 needs `pip install super-network-gateway[s3]`"
        ) from None
    client: ClientConfig = {
        "timeout": REQUEST_TIMEOUT,
        "allow_http": config.endpoint.startswith("http://"),
    }
    retry: RetryConfig = {"max_retries": RETRIES_MAX, "retry_timeout": RETRY_TIMEOUT}
    place: S3Config = {}
    if config.endpoint:
        place["endpoint"] = config.endpoint
    if config.region:
        place["region"] = config.region
    prefix = url.path.strip("/")
    try:
        if prefix:
            store = S3Store(
                url.netloc, prefix=prefix, config=place, client_options=client, retry_config=retry
            )
        else:
            store = S3Store(url.netloc, config=place, client_options=client, retry_config=retry)
    except BaseError as error:
        raise ConfigError(f"[events.archive] {error}") from None
    return BucketTarget(store, workshop)


def _sync(directory: Path) -> None:
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
