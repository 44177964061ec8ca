"""SQS calls: messages go straight to their queue, queues themselves are made and deleted one at a time."""

from __future__ import annotations

import threading
from typing import Any, Protocol

from moto.core.responses import ActionResult
from moto.sqs.exceptions import SQSException
from moto.sqs.models import SQSBackend, sqs_backends
from moto.sqs.responses import SQSResponse

from headrace.local.aws.answers import Answer, from_exception, refusal
from headrace.local.aws.place import ACCOUNT, REGION
from headrace.local.aws.queue import PromptQueue
from headrace.local.aws.wire import decode, encode

_MESSAGES = {
    "ChangeMessageVisibility": "change_message_visibility",
    "ChangeMessageVisibilityBatch": "change_message_visibility_batch",
    "DeleteMessage": "delete_message",
    "DeleteMessageBatch": "delete_message_batch",
    "GetQueueAttributes": "get_queue_attributes",
    "GetQueueUrl": "get_queue_url",
    "ListQueueTags": "list_queue_tags",
    "ListQueues": "list_queues",
    "PurgeQueue": "purge_queue",
    "ReceiveMessage": "receive_message",
    "SendMessage": "send_message",
    "SendMessageBatch": "send_message_batch",
}
_QUEUES = {
    "CreateQueue": "create_queue",
    "DeleteQueue": "delete_queue",
    "SetQueueAttributes": "set_queue_attributes",
    "TagQueue": "tag_queue",
    "UntagQueue": "untag_queue",
}

AWS_URL = "https://sqs.us-east-1.amazonaws.com/"


class QueueLog(Protocol):
    """Where the queues' names and attributes go before a call is answered."""

    def write_queue(self, name: str, attributes: dict[str, str] | None) -> None:
        """Keep a queue's attributes; None when it is deleted. Raises OSError when that is impossible."""


class SQS:
    """The one entrance to the queues."""

    def __init__(self, queue_log: QueueLog | None = None) -> None:
        self.lock = threading.RLock()
        self.queue_log = queue_log

    @property
    def backend(self) -> SQSBackend:
        """The state that moto keeps."""
        return sqs_backends[ACCOUNT][REGION]

    def call(self, action: str, body: bytes, base_url: str = AWS_URL) -> Answer:
        """Carry out one API action; the queues' URLs begin with `base_url`."""
        method = _MESSAGES.get(action) or _QUEUES.get(action)
        if method is None:
            return refusal("UnsupportedOperation", f"The embedded SQS has no {action}.")
        call = _Call(action, decode(body or b"{}"), base_url)
        try:
            if action in _QUEUES:
                with self.lock:
                    result = self._change_queue(action, method, call)
            else:
                result = getattr(call, method)().result
        except SQSException as error:
            status, headers, text = call.serialized(ActionResult(error))
            return Answer(status, text if isinstance(text, bytes) else text.encode(), headers)
        except Exception as error:  # noqa: BLE001 - answered as AWS would, and logged
            return from_exception(error, f"sqs:{action}")
        return Answer(200, encode(result or {}))

    def attributes(self) -> dict[str, dict[str, str]]:
        """What must be known to make every queue again."""
        with self.lock:
            return {name: _durable(queue) for name, queue in self.backend.queues.items()}

    def create(self, name: str, attributes: dict[str, str]) -> None:
        """Make a queue again from what `attributes` said."""
        self.backend.create_queue(name, {}, **attributes)

    def release(self) -> None:
        """End all long polls, since the server stops."""
        for queue in list(self.backend.queues.values()):
            if isinstance(queue, PromptQueue):
                queue.release()

    def _change_queue(self, action: str, method: str, call: _Call) -> Any:
        name = call.params.get("QueueName") or call._get_queue_name()
        before = self.backend.queues.get(name)
        result = getattr(call, method)().result
        queue = self.backend.queues.get(name)
        if self.queue_log and (queue is not before or action == "SetQueueAttributes"):
            try:
                self.queue_log.write_queue(name, _durable(queue) if queue else None)
            except OSError:
                if queue is not before and queue is not None:
                    self.backend.queues.pop(name, None)  # an unanswered creation must not be half there
                raise
        return result


class _Call(SQSResponse):
    """moto's handler, given its parameters without a detour through an HTTP request."""

    def __init__(self, action: str, params: dict[str, Any], base_url: str) -> None:
        super().__init__()
        self.params = params
        self.uri = base_url
        self.path, self.uri_match, self.querystring = "/", {}, {}
        self.headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"}
        self.response_headers: dict[str, str] = {}
        self.current_account, self.region = ACCOUNT, REGION


_DURABLE = ("DelaySeconds", "MaximumMessageSize", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds",
            "VisibilityTimeout", "RedrivePolicy", "Policy")  # fmt: skip


def _durable(queue: Any) -> dict[str, str]:
    attributes = queue.attributes
    return {name: str(attributes[name]) for name in _DURABLE if attributes.get(name) is not None}
