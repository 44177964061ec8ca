"""The most runs that a worker takes at once."""

from __future__ import annotations

from headrace.cli.commands.worker import MOST_RUNS
from headrace.contract.sizes import WORKER_LIMIT


def test_the_command_lets_a_worker_have_as_many_runs_as_the_contract() -> None:
    assert MOST_RUNS == WORKER_LIMIT
