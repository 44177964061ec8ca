"""Ticks at start and at every full minute, whatever happens."""

from __future__ import annotations

import logging
import threading

from headrace.local.ticker import Ticker


def ticks(start, *actions):
    """When a ticker ticks whose waits move the clock; one action per tick changes the clock or raises."""
    now, seen = [start], []

    def tick():
        seen.append(now[0])
        action = actions[len(seen) - 1]
        if len(seen) == len(actions):
            ticker.stop()
        if isinstance(action, Exception):
            raise action
        now[0] = now[0] if action is None else action

    def wait(seconds):
        now[0] += seconds

    ticker = Ticker(tick, clock=lambda: now[0], wait=wait)
    ticker.run()
    return seen


def test_it_ticks_at_start_and_then_at_full_minutes():
    assert ticks(1000.0, None, None, None) == [1000.0, 1020.0, 1080.0]


def test_a_tick_that_takes_longer_than_a_minute_is_followed_by_the_next():
    assert ticks(60.0, 190.0, None, None) == [60.0, 190.0, 240.0]


def test_a_tick_that_fails_is_logged_and_followed_by_the_next(caplog):
    with caplog.at_level(logging.ERROR, "headrace.server"):
        assert ticks(60.0, RuntimeError("no table"), None) == [60.0, 120.0]
    assert "no table" in caplog.text


def test_a_clock_that_is_set_back_does_not_stop_the_ticks():
    assert ticks(10_000.0, 500.0, None) == [10_000.0, 500.0]


def test_it_stops_while_it_waits():
    ticked = threading.Event()
    ticker = Ticker(ticked.set)
    ticker.start()
    assert ticked.wait(10)
    ticker.stop(patience=10)
    assert "headrace-tick" not in [thread.name for thread in threading.enumerate()]
