"""Each change to moto is necessary: moto as it comes fails what the embedded services do right."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("scenarios.py")


@pytest.fixture(scope="module")
def results():
    """All scenarios, in a process with stock moto and in one with ours."""

    def run(kind):
        done = subprocess.run([sys.executable, SCRIPT, kind], capture_output=True, text=True, timeout=110)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(("stock", "ours"), pool.map(run, ("stock", "ours")), strict=True))


@pytest.fixture
def stock(results):
    return results["stock"]


@pytest.fixture
def ours(results):
    return results["ours"]


def test_concurrent_updates_are_not_lost(stock, ours):
    assert stock["concurrent_updates_add_up"] is False
    assert ours["concurrent_updates_add_up"] is True


def test_failing_transactions_do_not_roll_back_the_writes_of_others(stock, ours):
    assert stock["failing_transactions_leave_others_alone"] is not True
    assert ours["failing_transactions_leave_others_alone"] is True


def test_an_update_that_fails_midway_changes_nothing(stock, ours):
    assert stock["failed_updates_change_nothing"] == "new"
    assert ours["failed_updates_change_nothing"] == "old"


@pytest.mark.parametrize("call", ["query", "query backwards", "query index", "next page", "transaction"])
def test_calls_cost_the_same_at_a_hundred_and_at_a_thousand_items(call, stock, ours):
    small, large = stock["costs_at_100_and_1000_items"][call]
    assert large > 4 * small
    small, large = ours["costs_at_100_and_1000_items"][call]
    assert large == small


def test_a_page_that_ends_at_its_limit_has_a_last_key(stock, ours):
    assert stock["last_key_when_the_limit_is_the_count"] == [False, False]
    assert ours["last_key_when_the_limit_is_the_count"] == [True, False]


def test_a_transaction_sent_twice_happens_once(stock, ours):
    assert stock["a_transaction_sent_twice"][0] == "2"
    assert ours["a_transaction_sent_twice"] == ["1", "IdempotentParameterMismatchException"]


def test_replaced_items_are_forgotten(stock, ours):
    assert stock["items_alive_after_rewriting_one"] >= 100
    assert ours["items_alive_after_rewriting_one"] <= 6


def test_stream_records_do_not_pile_up(stock, ours):
    assert stock["stream_records_kept"] == [20, True]
    assert ours["stream_records_kept"] == [0, True]


def test_an_item_is_measured_once(stock, ours):
    assert stock["calls_of_one_put_of_40_attributes"] > 800
    assert ours["calls_of_one_put_of_40_attributes"] < 60


@pytest.mark.parametrize("function", ["_lex_one_node", "make_list", "_reconstruct", "dynamo_to_dict"])
def test_expressions_and_results_are_not_worked_through_anew(function, stock, ours):
    assert stock["calls_of_one_update"][function] > 0
    assert ours["calls_of_one_update"][function] == 0


def test_validators_are_asked_once_for_their_processors(stock, ours):
    assert stock["calls_of_one_update"]["_processing_map"] > 100
    assert ours["calls_of_one_update"]["_processing_map"] == 10


def test_a_query_copies_nothing(stock, ours):
    assert stock["copies_of_one_query"] > 0
    assert ours["copies_of_one_query"] == 0


def test_transactions_read_up_to_a_hundred_items(stock, ours):
    assert stock["reads_of_26_items"] == "ValidationException"
    assert ours["reads_of_26_items"] == 26


def test_index_keys_of_the_wrong_type_are_refused(stock, ours):
    assert stock["wrong_index_key_types"] == "accepted"
    assert ours["wrong_index_key_types"] == "ValidationException"


def test_queue_calls_cost_the_same_at_any_backlog(stock, ours):
    small, large = stock["queue_costs_at_10_and_500_messages"]
    assert large > 3 * small
    small, large = ours["queue_costs_at_10_and_500_messages"]
    assert large <= small * 1.05


def test_an_idle_long_poll_sleeps_through(stock, ours):
    assert stock["wakes_of_an_idle_long_poll"] >= 2
    assert ours["wakes_of_an_idle_long_poll"] == 1


def test_a_message_is_given_to_one_caller(stock, ours):
    assert stock["messages_given_twice"] > 0
    assert ours["messages_given_twice"] == 0


def test_no_random_letters_are_drawn(stock, ours):
    assert stock["random_letters_of_one_receive"] > 180
    assert ours["random_letters_of_one_receive"] == 0


def test_everything_else_is_answered_as_moto_answers_it(stock, ours):
    for number, pair in enumerate(
        zip(stock["answers_to_random_calls"], ours["answers_to_random_calls"], strict=True)
    ):
        assert pair[0] == pair[1], f"call {number}"
