"""A queue's promises: order, delay, visibility, dead letters, waking, counts."""

from __future__ import annotations

import threading
import time

import pytest
from moto.sqs.exceptions import InvalidParameterValue, QueueDoesNotExist, ReceiptHandleIsInvalid

from headrace.local.aws.queue import PlacedMessage, PromptQueue


class Clock:
    """Wall time that a test moves."""

    def __init__(self):
        self.now = time.time()

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(clock):
    made = PromptQueue("q", "us-east-1", "123456789012")
    made.clock = clock
    return made


def send(queue, body, delay=0):
    message = PlacedMessage(f"id-{body}", body)
    message.mark_sent()
    message.delayed_until = (queue.clock() + delay) * 1000 if delay else 0.0
    queue.add_message(message)


def take(queue, count=10, visibility=30, wait=0):
    return queue.receive(count, wait, visibility)


def bodies(messages):
    return [message.body for message in messages]


def test_messages_come_in_order_and_once(queue):
    for body in "abc":
        send(queue, body)
    assert bodies(take(queue, 2)) == ["a", "b"]
    assert bodies(take(queue)) == ["c"]
    assert take(queue) == []


def test_an_invisible_message_comes_back_in_its_old_place(queue, clock):
    for body in "abc":
        send(queue, body)
    take(queue, 1)
    clock.now += 29.9
    assert bodies(take(queue, 1)) == ["b"]
    clock.now += 0.2
    again = take(queue)
    assert bodies(again) == ["a", "c"]
    assert again[0].approximate_receive_count == 2


def test_a_delayed_message_comes_when_due_and_not_before(queue, clock):
    send(queue, "later", delay=5)
    clock.now += 4.999
    assert take(queue) == []
    clock.now += 0.002
    assert bodies(take(queue)) == ["later"]


def test_a_deleted_message_does_not_come_back_and_may_be_deleted_again(queue, clock):
    send(queue, "a")
    (message,) = take(queue)
    clock.now += 31
    (again,) = take(queue)
    queue.delete_message(message.receipt_handle)
    queue.delete_message(again.receipt_handle)
    clock.now += 3600
    assert take(queue) == []
    with pytest.raises(ReceiptHandleIsInvalid):
        queue.delete_message("another-queue:id:1")


def test_visibility_can_be_extended_and_given_up(queue, clock):
    for body in "ab":
        send(queue, body)
    first, second = take(queue)
    queue.change_visibility(first.receipt_handle, 100)
    queue.change_visibility(second.receipt_handle, 0)
    assert bodies(take(queue)) == ["b"]
    clock.now += 99
    assert bodies(take(queue)) == ["b"]
    clock.now += 2
    assert bodies(take(queue)) == ["a"]
    with pytest.raises(InvalidParameterValue, match="43200"):
        queue.change_visibility(first.receipt_handle, 43_200)
    queue.delete_message(first.receipt_handle)
    with pytest.raises(ReceiptHandleIsInvalid):
        queue.change_visibility(first.receipt_handle, 1)


def test_counts_follow_the_messages(queue, clock):
    for body in "abc":
        send(queue, body)
    send(queue, "later", delay=60)
    (held,) = take(queue, 1)

    def counts():
        return (
            queue.approximate_number_of_messages,
            queue.approximate_number_of_messages_not_visible,
            queue.approximate_number_of_messages_delayed,
        )

    assert counts() == (2, 1, 1)
    queue.delete_message(held.receipt_handle)
    assert counts() == (2, 0, 1)
    clock.now += 61
    assert counts() == (3, 0, 0)
    queue.purge()
    assert counts() == (0, 0, 0)
    assert take(queue) == []


def test_a_message_received_too_often_goes_to_the_dead_letters(queue, clock):
    dead = PromptQueue("dead", "us-east-1", "123456789012")
    queue.dead_letter_queue, queue.redrive_policy = dead, {"maxReceiveCount": 2}
    send(queue, "poison")
    for _ in range(2):
        assert bodies(take(queue)) == ["poison"]
        clock.now += 31
    assert take(queue) == []
    assert bodies(take(dead)) == ["poison"]


def test_messages_past_their_retention_are_gone(queue, clock):
    send(queue, "old")
    clock.now += 4 * 86_400 + 1
    assert take(queue) == []
    assert queue.approximate_number_of_messages == 0


def test_stale_entries_do_not_pile_up(queue):
    send(queue, "a")
    (message,) = take(queue)
    for seconds in range(1, 1000):
        queue.change_visibility(message.receipt_handle, seconds)
        take(queue)
    assert len(queue._waiting) < 100


def polling(queue, count=1, wait=20):
    """Threads that poll, and what each of them gets."""
    got = []
    waiting = len(queue._changed._waiters) + count

    def poll():
        try:
            got.append(bodies(take(queue, 1, wait=wait)))
        except QueueDoesNotExist:
            got.append("deleted")

    threads = [threading.Thread(target=poll) for _ in range(count)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while len(queue._changed._waiters) < waiting:
        assert time.monotonic() < deadline
    return threads, got


def join(threads):
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_each_message_wakes_one_of_many_pollers(queue):
    queue.clock = time.time
    threads, got = polling(queue, 5)
    for body in "abcde":
        send(queue, body)
    join(threads)
    assert sorted(got) == [["a"], ["b"], ["c"], ["d"], ["e"]]


def test_a_poller_that_leaves_hands_over_the_watch_for_a_delayed_message(queue):
    queue.clock = time.time
    leavers, nothing = polling(queue, wait=1)  # waits first, so the send wakes this one
    stayers, got = polling(queue)
    send(queue, "later", delay=1.5)
    join([*leavers, *stayers])
    assert (nothing, got) == ([[]], [["later"]])


def test_pollers_of_a_deleted_queue_are_told_and_those_of_a_stopping_server_leave(queue):
    queue.clock = time.time
    threads, got = polling(queue, 2)
    queue.close()
    join(threads)
    assert got == ["deleted", "deleted"]
    other = PromptQueue("other", "us-east-1", "123456789012")
    threads, got = polling(other, 2)
    other.release()
    join(threads)
    assert got == [[], []]


def test_fifo_queues_are_refused():
    with pytest.raises(InvalidParameterValue, match="standard queues only"):
        PromptQueue("q.fifo", "us-east-1", "123456789012", FifoQueue="true")
