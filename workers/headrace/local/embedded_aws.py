"""Puts the embedded AWS together: patches, services, transport, data."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from headrace.local.aws.dynamodb import DynamoDB
from headrace.local.aws.patches import PATCHES
from headrace.local.aws.services import Services
from headrace.local.aws.sqs import SQS
from headrace.local.aws.transport import Transport
from headrace.local.objects import Objects
from headrace.local.store import Store


def open_services(
    data_dir: Path, fsync: bool, create_table: Callable[[], None]
) -> tuple[Services, Callable[[], None]]:
    """Answer this process's AWS calls from the data directory.

    Returns:
        The services, and what ends them.
    """
    closing = ExitStack()
    with ExitStack() as undo:
        undo.enter_context(closing)
        PATCHES.apply()
        closing.callback(PATCHES.undo)
        dynamodb, sqs = DynamoDB(), SQS()
        objects = Objects(data_dir / "objects", fsync=fsync)
        services = Services(dynamodb, sqs, objects)
        transport = Transport(services)
        transport.install()
        closing.callback(transport.remove)
        create_table()
        objects.load()
        closing.callback(objects.close)
        store = Store(data_dir / "table", dynamodb, sqs, fsync=fsync)
        store.open()
        closing.callback(store.close)
        undo.pop_all()
    return services, closing.close
