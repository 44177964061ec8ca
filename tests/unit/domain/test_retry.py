import math

import pytest
from pydantic import ValidationError

from chalicelib.domain.retry import RetryPolicy, after_lost, decide, policy
from headrace.contract import deployments


def delay(
    given: RetryPolicy, run_count: int = 1, *, wanted=None, after=None, error="ValueError", dice=0.0, **more
):
    return decide(given, run_count, wanted, after, error, dice, **more)


def test_without_retries_nothing_is_tried_again():
    assert delay(RetryPolicy()) is None
    assert delay(RetryPolicy(), wanted=True, after=3) is None


def test_each_retry_is_used_once():
    given = RetryPolicy(retries=2, delay=5)
    assert [delay(given, count) for count in (1, 2, 3)] == [5, 5, None]


def test_backoff_multiplies_up_to_the_maximum():
    given = RetryPolicy(retries=9, delay=2, backoff=3, max_delay=50)
    assert [delay(given, count) for count in (1, 2, 3, 4)] == [2, 6, 18, 50]


def test_backoff_beyond_floats_is_the_maximum():
    assert delay(RetryPolicy(retries=1000, delay=1, backoff=100), 900) == 3600
    assert delay(RetryPolicy(retries=1000, delay=0, backoff=100), 900) == 0


def test_a_list_of_delays_is_taken_as_it_is_and_its_last_repeats():
    given = RetryPolicy(retries=9, delay=(1, 7200), backoff=10, max_delay=60)
    assert [delay(given, count) for count in (1, 2, 3)] == [1, 7200, 7200]


def test_jitter_only_lengthens():
    given = RetryPolicy(retries=1, delay=10, jitter=0.5)
    assert [delay(given, dice=dice) for dice in (0.0, 0.5, 1.0)] == [10, 12.5, 15]


@pytest.mark.parametrize(
    ("on", "error", "retried"),
    [
        ((), None, True),
        (("ValueError",), "ValueError", True),
        (("ValueError",), "KeyError", False),
        (("ValueError",), None, False),
        (("Timeout",), "requests.exceptions.Timeout", True),
        (("requests.exceptions.Timeout",), "Timeout", True),
        (("Timeout",), "ReadTimeout", False),
    ],
)
def test_only_named_exceptions_are_tried_again(on, error, retried):
    assert (delay(RetryPolicy(retries=1, on=on), error=error) is not None) is retried


def test_the_wish_of_the_flow_decides():
    given = RetryPolicy(retries=1, delay=10, on=("KeyError",))
    assert delay(given, wanted=False, error="KeyError") is None
    assert delay(given, wanted=True, error="ValueError") == 10


def test_an_explicit_time_wins_over_the_policy():
    given = RetryPolicy(retries=1, delay=10, jitter=1, max_delay=10)
    assert delay(given, wanted=True, after=7200, dice=1) == 7200
    assert delay(given, wanted=True, after=-1, dice=1) == 0
    assert delay(given, wanted=True, after=math.nan) == 10


def test_lost_starts_use_up_no_retries():
    given = RetryPolicy(retries=2, delay=(1, 2))
    assert delay(given, 3, lost_count=2) == 1
    assert delay(given, 4, lost_count=2) == 2
    assert delay(given, 5, lost_count=2) is None


def test_a_lost_run_is_tried_again_while_retries_are_left_and_it_was_not_lost_too_often():
    given = RetryPolicy(retries=1, max_lost=2)
    assert [after_lost(given, lost, lost) for lost in (1, 2, 3)] == [True, True, False]
    assert not after_lost(given, 1, 2), "its one retry was used"
    assert not after_lost(RetryPolicy(), 1, 1)


def test_a_policy_is_read_from_the_wire():
    wire = {"retries": 2, "delay": [1, 2.5], "on": ["KeyError"], "max_lost": 0}
    assert policy(wire) == RetryPolicy(retries=2, delay=(1.0, 2.5), on=("KeyError",), max_lost=0)
    assert policy(None) == RetryPolicy()


def test_a_definition_of_a_later_release_is_read_without_what_is_new_in_it():
    assert policy({"retries": 2, "tries": 3}) == RetryPolicy(retries=2)


@pytest.mark.parametrize(
    ("wire", "member"),
    [
        ({"retries": -1}, "retries"),
        ({"retries": 1.5}, "retries"),
        ({"delay": "soon"}, "delay"),
        ({"delay": -1}, "delay"),
        ({"delay": [1, math.inf]}, "delay"),
        ({"delay": []}, "delay"),
        ({"backoff": 0.5}, "backoff"),
        ({"backoff": math.nan}, "backoff"),
        ({"jitter": 2}, "jitter"),
        ({"on": "KeyError"}, "on"),
        ({"on": [""]}, "on"),
        ({"max_lost": 101}, "max_lost"),
        ({"tries": 3}, "tries"),
    ],
)
def test_a_wrong_policy_does_not_come_past_the_contract(wire, member):
    with pytest.raises(ValidationError) as caught:
        deployments.RetryPolicy.model_validate(wire)
    assert {problem["loc"][0] for problem in caught.value.errors()} == {member}


def test_what_the_contract_lets_through_is_read_as_it_is():
    wire = {"retries": 3, "delay": [1, 2], "backoff": 2, "max_delay": 60, "jitter": 1, "on": ["Busy"]}
    read = policy(deployments.RetryPolicy.model_validate(wire).model_dump())
    assert read == RetryPolicy(3, (1.0, 2.0), 2.0, 60.0, 1.0, ("Busy",), 3)
    assert policy(deployments.RetryPolicy().model_dump()) == RetryPolicy()
