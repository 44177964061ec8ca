"""The inbox against moto's SQS, over HTTP."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from moto.server import ThreadedMotoServer

from headrace.contract.sync import CommandKind, HintVerdict
from headrace.contract.workers import SqsAccess
from headrace.worker import inbox
from headrace.worker.events import QueueTrouble, Rung, Told
from headrace.worker.inbox import Inbox
from headrace.worker.sqs import make_client
from tests.integration.worker.conftest import until

DUE = "2026-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def access() -> Iterator[SqsAccess]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield SqsAccess(region="us-east-1", endpoint_url=f"http://{host}:{port}")
    server.stop()


class Box:
    """An inbox on two fresh queues, and its mail."""

    def __init__(self, access: SqsAccess) -> None:
        self.client = make_client(access)
        name = uuid4().hex
        self.work: str = self.client.create_queue(QueueName=f"work-{name}")["QueueUrl"]
        self.control: str = self.client.create_queue(QueueName=f"control-{name}")["QueueUrl"]
        self.mail: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.inbox = Inbox(access, self.mail.put)

    def ring(self, run: UUID, due: str = DUE) -> None:
        self.client.send_message(QueueUrl=self.work, MessageBody=json.dumps({"run": str(run), "due": due}))

    def count(self) -> tuple[int, int]:
        """Messages that are visible, and that are in somebody's hands."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client.get_queue_attributes(QueueUrl=self.work, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])

    def next(self) -> Any:
        return self.mail.get(timeout=20)


@pytest.fixture
def box(access: SqsAccess) -> Iterator[Box]:
    box = Box(access)
    box.inbox.serve([box.work], box.control)
    yield box
    box.inbox.serve([], box.control)
    box.ring(uuid4())
    box.inbox.close()


def test_doorbells_arrive_while_there_are_free_slots(box: Box) -> None:
    run = uuid4()
    box.ring(run)
    assert box.mail.empty()
    box.inbox.set_free(1, busy=False)
    rung = box.next()
    assert isinstance(rung, Rung)
    assert rung.run == run


@pytest.mark.parametrize("word", [HintVerdict.GRANTED, HintVerdict.GONE, HintVerdict.BLOCKED])
def test_what_was_answered_is_deleted(box: Box, word: HintVerdict) -> None:
    box.ring(uuid4())
    box.inbox.set_free(1, busy=False)
    box.inbox.settle(box.next(), word)
    until(lambda: box.count() == (0, 0), "the deletion")


def test_what_another_may_start_is_given_back_at_once(box: Box) -> None:
    box.ring(uuid4())
    box.inbox.set_free(1, busy=False)
    rung = box.next()
    box.inbox.set_free(0, busy=False)
    box.inbox.settle(rung, HintVerdict.READY)
    until(lambda: box.count() == (1, 0), "the message is visible")


def test_a_known_run_is_not_asked_about_again_but_its_retry_is(box: Box) -> None:
    run = uuid4()
    box.ring(run)
    box.inbox.set_free(5, busy=False)
    box.inbox.settle(box.next(), HintVerdict.GRANTED)
    box.ring(run)
    box.ring(run, due="2026-01-01T00:00:05Z")
    assert box.next().due == pytest.approx(1767225605.0)
    assert box.mail.empty()


def test_commands_arrive_without_free_slots_and_rubbish_does_no_harm(box: Box) -> None:
    run = uuid4()
    for body in ("nonsense", json.dumps({"kind": "sing"}), json.dumps({"kind": "cancel", "run": str(run)})):
        box.client.send_message(QueueUrl=box.control, MessageBody=body)
    box.inbox.set_free(0, busy=True)
    told = box.next()
    assert isinstance(told, Told)
    assert told.command.run == run
    box.client.send_message(QueueUrl=box.work, MessageBody="nonsense")
    box.inbox.set_free(1, busy=False)
    until(lambda: box.count() == (0, 0), "the unreadable doorbell is deleted")


def test_with_nothing_in_hand_the_control_queue_rests_and_a_work_queue_tells_of_a_change(box: Box) -> None:
    cancel = json.dumps({"kind": "cancel", "run": str(uuid4())})
    box.client.send_message(QueueUrl=box.control, MessageBody=cancel)
    box.inbox.set_free(1, busy=False)
    box.client.send_message(QueueUrl=box.work, MessageBody=json.dumps({"kind": "sync"}))
    assert box.next().command.kind is CommandKind.SYNC
    assert box.mail.empty(), "the control queue is not polled"
    box.inbox.set_free(1, busy=True)
    assert box.next().command.kind is CommandKind.CANCEL


def test_of_queues_that_do_not_answer_the_endpoint_is_named() -> None:
    mail: queue.SimpleQueue[Any] = queue.SimpleQueue()
    box = Inbox(SqsAccess(region="us-east-1", endpoint_url="http://127.0.0.1:9/aws"), mail.put)
    box.serve([], "https://sqs.us-east-1.amazonaws.com/1/control")
    box.set_free(1, busy=True)
    assert mail.get(timeout=20) == QueueTrouble("no connection to 127.0.0.1:9")
    box.close()


def test_a_queue_that_is_gone_is_asked_about_and_is_no_outage(box: Box) -> None:
    """It was deleted with its work queue; the answer to the sync says where to listen from now on."""
    box.client.delete_queue(QueueUrl=box.work)
    box.inbox.set_free(1, busy=False)
    told = box.next()
    assert isinstance(told, Told)
    assert told.command.kind is CommandKind.SYNC
    box.work = box.client.create_queue(QueueName=f"again-{uuid4().hex}")["QueueUrl"]
    box.inbox.serve([box.work], box.control)
    run = uuid4()
    box.ring(run)
    assert box.next().run == run


def test_a_queue_that_is_gone_and_is_still_to_be_served_is_trouble(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "ASKED", 0.0)
    box.client.delete_queue(QueueUrl=box.work)
    box.inbox.set_free(1, busy=False)
    assert box.next().command.kind is CommandKind.SYNC
    trouble = box.next()
    assert isinstance(trouble, QueueTrouble)
    assert "QueueDoesNotExist" in str(trouble.error)
    box.work = box.client.create_queue(QueueName=f"again-{uuid4().hex}")["QueueUrl"]
    box.inbox.serve([box.work], box.control)
    assert box.next() == QueueTrouble(None)


def test_without_a_work_queue_it_hears_of_a_change_through_the_control_queue(box: Box) -> None:
    box.inbox.serve([], box.control)
    box.inbox.set_free(1, busy=False)
    box.client.send_message(QueueUrl=box.control, MessageBody=json.dumps({"kind": "sync"}))
    assert box.next().command.kind is CommandKind.SYNC
