"""How moto's SQS calls reach `PromptQueue`."""

from __future__ import annotations

from typing import Any

from moto.sqs import models
from moto.sqs.models import Message

from headrace.local.aws.patch import Patch
from headrace.local.aws.queue import PlacedMessage, PromptQueue


def _receive(
    self: Any, queue_name: str, count: int, wait_seconds_timeout: int, visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Message]:  # fmt: skip
    messages = self.get_queue(queue_name).receive(count, wait_seconds_timeout, visibility_timeout)
    for message in messages:
        models._filter_message_attributes(message, message_attribute_names or [])
    return messages  # type: ignore[no-any-return]


def _change_visibility(self: Any, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
    self.get_queue(queue_name).change_visibility(receipt_handle, int(visibility_timeout))


def _purge(self: Any, queue_name: str) -> None:
    self.get_queue(queue_name).purge()


_stock_delete_queue = models.SQSBackend.delete_queue


def _delete_queue(self: Any, queue_name: str) -> None:
    self.get_queue(queue_name).close()
    _stock_delete_queue(self, queue_name)


def prompt_queues() -> list[Patch]:
    """Stock is linear in the backlog, wakes late and is not thread-safe. See `PromptQueue`."""
    return [
        Patch(models, "Queue", PromptQueue),
        Patch(models, "Message", PlacedMessage),
        Patch(models.SQSBackend, "receive_message", _receive),
        Patch(models.SQSBackend, "change_message_visibility", _change_visibility),
        Patch(models.SQSBackend, "purge_queue", _purge),
        Patch(models.SQSBackend, "delete_queue", _delete_queue),
    ]


def no_random_handles() -> list[Patch]:
    """Stock draws 185 random letters one by one for a handle that `PromptQueue` replaces anyway."""
    return [Patch(models, "generate_receipt_handle", str)]
