"""S3 objects as files: a directory per bucket, a file per object, written before the call is answered."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headrace.local import private
from headrace.local.aws.patch import Patch, Patches
from headrace.local.aws.place import ACCOUNT, REGION
from headrace.local.durable import sync_names
from headrace.local.records import DataError

EXPIRING, DAYS = "parameters/", 400
"""What the lifecycle of the stage's bucket removes in the cloud, and how long after it was written."""


class Objects:
    """Follows moto's S3 and gives it back its buckets at start. It is imported when first needed.

    What has expired is removed at start too: moto knows no lifecycles. An object's bytes are always on disk
    before its call is answered; with `fsync` its name is, too.
    """

    def __init__(
        self, directory: Path, *, fsync: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self._directory = directory
        self._fsync = fsync
        self._clock = clock
        self._ready = False
        self._touched: list[tuple[str, str | None]] = []
        self._patches = Patches([self._noted_writes])

    def load(self) -> None:
        """Make the buckets and objects of the disk again."""
        if self._directory.is_dir() and any(self._directory.iterdir()):
            self.prepare()

    def prepare(self) -> None:
        """Load moto's S3, once."""
        if self._ready:
            return
        private.make_folder(self._directory)
        self._sync(self._directory.parent)
        for bucket in sorted(path for path in self._directory.iterdir() if path.is_dir()):
            private.make_folder(bucket)
            self._backend().create_bucket(bucket.name, REGION)
            for path in sorted(bucket.glob("*.object")):
                if not self._expired(path):
                    self._load_object(bucket.name, path)
        self._patches.apply()
        self._ready = True

    def flush(self) -> None:
        """Bring the disk up to date with what the last call wrote. Raises OSError when that is impossible.

        The last call then has written nothing, in memory neither: nobody is told of an object that a
        restart would lose.
        """
        touched = tuple(self._touched)
        try:
            for bucket, key in touched:
                self._keep(bucket, key)
        except OSError:
            for bucket, key in touched:
                self._take_back(bucket, key)
            raise
        finally:
            self._touched.clear()  # what was taken back is no write

    def close(self) -> None:
        """Stop following moto's S3."""
        self._patches.undo()

    def _backend(self) -> Any:
        from moto.s3.models import s3_backends

        return s3_backends[ACCOUNT]["aws"]

    def _path(self, bucket: str, key: str) -> Path:
        return self._directory / bucket / (hashlib.sha256(key.encode()).hexdigest() + ".object")

    def _expired(self, path: Path) -> bool:
        """Whether an object was past its time, and is gone."""
        if path.stat().st_mtime + DAYS * 86_400 > self._clock():
            return False
        with path.open("rb") as file, _damage_named(path):
            gone: bool = json.loads(file.readline())["key"].startswith(EXPIRING)
        if gone:
            path.unlink()
        return gone

    def _load_object(self, bucket: str, path: Path) -> None:
        head, _, content = path.read_bytes().partition(b"\n")
        with _damage_named(path):
            about = json.loads(head)
            stored = self._backend().put_object(bucket, about["key"], content, etag=about["etag"])
            stored.set_metadata(about["metadata"])

    def _keep(self, bucket: str, key: str | None) -> None:
        directory = self._directory / bucket
        if key is not None:
            self._write_object(bucket, key)
        elif bucket in self._backend().buckets:
            private.make_folder(directory)
        elif directory.is_dir():
            directory.rmdir()
        self._sync(self._directory if key is None else directory)

    def _sync(self, directory: Path) -> None:
        if self._fsync and directory.is_dir():
            sync_names(directory)

    def _take_back(self, bucket: str, key: str | None) -> None:
        backend = self._backend()
        known, on_disk = bucket in backend.buckets, (self._directory / bucket).is_dir()
        if key is None and on_disk and not known:
            backend.create_bucket(bucket, REGION)
        elif key is None and known and not on_disk:
            backend.delete_bucket(bucket)
        elif key is not None and known:
            path = self._path(bucket, key)
            if path.is_file():
                self._load_object(bucket, path)
            else:
                backend.delete_object(bucket, key)

    def _write_object(self, bucket: str, key: str) -> None:
        path = self._path(bucket, key)
        holder = self._backend().buckets.get(bucket)
        stored = holder.keys.get(key) if holder else None
        if stored is None or not hasattr(stored, "value"):
            path.unlink(missing_ok=True)
            return
        about = {"key": key, "etag": stored.etag.strip('"'), "metadata": dict(stored.metadata)}
        partial = path.with_suffix(".partial")
        try:
            with private.opened(partial) as file:
                file.write(json.dumps(about).encode() + b"\n" + stored.value)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise

    def _noted_writes(self) -> list[Patch]:
        """Stock S3 lives in memory only: take note of what each call writes, for `flush`."""
        from moto.s3.models import S3Backend

        def noting(name: str, with_key: bool) -> Patch:
            stock = getattr(S3Backend, name)

            def noted(backend: Any, bucket_name: str, *args: Any, **kwargs: Any) -> Any:
                key = kwargs.get("key_name", args[0] if args else None) if with_key else None
                self._touched.append((bucket_name, key))
                return stock(backend, bucket_name, *args, **kwargs)

            return Patch(S3Backend, name, noted)

        return [
            noting("create_bucket", with_key=False),
            noting("delete_bucket", with_key=False),
            noting("put_object", with_key=True),
            noting("delete_object", with_key=True),
        ]


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError) as error:
        raise DataError(f"{path} is damaged: remove it, or restore it from a backup.") from error
