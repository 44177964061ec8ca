"""The keeper's connection to a worker that leaves while it is being spoken to."""

from __future__ import annotations

import selectors
import socket

from headrace.worker.keeper.link import Link


def test_the_last_words_of_one_that_left_are_heard_although_nothing_can_be_said_to_it() -> None:
    ours, theirs = socket.socketpair()
    with selectors.DefaultSelector() as selector:
        link = Link(ours, selector)
        link.open(lambda: None)
        link.send({"t": "unread"})
        theirs.sendall(b'{"op":"sent","seq":7}\n')
        theirs.close()
        for _ in range(3):
            link.send({"t": "logs"})
        assert not link.closed
        assert link.read() == [{"op": "sent", "seq": 7}]
        assert link.closed
        link.close()
