"""Versions of deployments. What a list shows and the definition are items apart, so that a page stays cheap.

Both stay when their deployment is deleted: numbers are never used twice, and one that is made again under
the same name can be rolled back to what it was.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from uuid import UUID

from chalicelib.domain.errors import TooLarge
from chalicelib.domain.versions import Definition, NewVersion, Version
from chalicelib.storage import documents
from chalicelib.storage.documents import Codec, Key, Transaction
from chalicelib.storage.table import Item

_VERSION = Codec(Version)
MOST_BYTES = 1_000_000
"""Of a definition as JSON: what a rollback writes again must fit into one transaction of 4 MB."""
MOST_PACKED = 350_000
"""Of a definition compressed: an item has at most 400 KB (AWS, DynamoDB limits)."""
LAST = 99_999_999


class VersionStore:
    """Reads of versions; they are written together with their deployment."""

    def latest(self, deployment: UUID) -> int:
        """The highest number ever given; 0 if there was none."""
        found = self.page(deployment, LAST + 1, 1)
        return found[0].number if found else 0

    def page(self, deployment: UUID, below: int, limit: int) -> list[Version]:
        """Versions with smaller numbers than `below`, the latest first."""
        between = (_key(deployment, 1)[1], _key(deployment, below - 1)[1])
        items = documents.partition(_pk(deployment), between, forward=False, limit=limit) if below > 1 else []
        return [_VERSION.load(item.doc) for item in items]

    def read(self, deployment: UUID, number: int) -> Version | None:
        """A version, without its definition."""
        item = documents.get(_key(deployment, number)) if 1 <= number <= LAST else None
        return _VERSION.load(item.doc) if item else None

    def definition(self, deployment: UUID, number: int) -> Definition | None:
        """What a version says."""
        return self.definitions([(deployment, number)]).get((deployment, number))

    def definitions(self, wanted: Iterable[tuple[UUID, int]]) -> dict[tuple[UUID, int], Definition]:
        """What several versions say."""
        keys = {
            _definition_key(deployment, number): (deployment, number)
            for deployment, number in wanted
            if 1 <= number <= LAST
        }
        found = documents.get_many(keys)
        return {keys[key]: json.loads(zlib.decompress(item.blob or b"")) for key, item in found.items()}


def add(write: Transaction, new: NewVersion) -> None:
    """Within the write of a deployment: its new version, whose number nobody used before.

    Raises:
        TooLarge: The definition does not fit.
    """
    version = new.version
    text = json.dumps(new.definition, ensure_ascii=False, separators=(",", ":")).encode()
    packed = zlib.compress(text, 6)
    if len(text) > MOST_BYTES or len(packed) > MOST_PACKED:
        raise TooLarge(
            f"The deployment with its schedules has {len(text)} bytes ({len(packed)} compressed); a version "
            f"keeps at most {MOST_BYTES} ({MOST_PACKED} compressed).",
            hint="Keep large parameters where the workers can read them, and pass their address.",
        )
    key, definition = (
        _key(version.deployment_id, version.number),
        _definition_key(version.deployment_id, version.number),
    )
    write.put(Item(*key, doc=_VERSION.dump(version)), Item.pk.does_not_exist())
    write.put(Item(*definition, blob=packed), Item.pk.does_not_exist())


def _pk(deployment: UUID) -> str:
    return f"DEPLOYMENT#{deployment}"


def _key(deployment: UUID, number: int) -> Key:
    return _pk(deployment), f"VERSION#{number:08d}"


def _definition_key(deployment: UUID, number: int) -> Key:
    return _pk(deployment), f"DEFINITION#{number:08d}"
