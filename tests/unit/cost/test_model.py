"""Prices and the cost model."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import pytest

from headrace.cost import bill, units
from headrace.cost.prices import PRICES
from headrace.cost.units import Units
from infra import prices


def test_every_quantity_has_its_price_and_the_other_way_round() -> None:
    assert {field.name for field in fields(Units)} == set(PRICES)
    assert all(price.source and price.usd >= 0 and price.per > 0 for price in PRICES.values())


def test_an_idle_month_with_one_worker_on_one_queue() -> None:
    """The budget (docs/performance.md) is 0.30 USD."""
    idle = units.standing(units.MONTH)
    assert bill.total(idle) <= 0.30
    assert bill.total(idle, free_tier=True) == pytest.approx(0.18, abs=0.01)


def test_a_million_short_runs() -> None:
    usd = bill.total(units.run(1, 0, scheduled=False) * 1e6)
    by_hand = 3 * 3.5 + 3 * 0.2 + 3 * 0.03 * 0.5 * 16.67 + 8 * 0.625 + 6 * 0.125 + 3 * 0.4
    assert usd == pytest.approx(by_hand, rel=0.2)
    assert usd > by_hand


def test_what_is_kept_in_the_table_is_paid_for_twice() -> None:
    """Point-in-time recovery is always on (`infra/template.yaml`), and billed by the table's size."""
    kept = units.run(1, 0, scheduled=False) * 1e6
    assert kept.table_gb == kept.backup_gb == pytest.approx(2)
    rows = {line.name: line.usd for line in bill.lines(kept, free_tier=True)}
    assert rows["DynamoDB point-in-time recovery"] == pytest.approx(0.4)


def test_longer_more_talkative_and_repeated_runs_cost_more() -> None:
    short = bill.total(units.run(1, 1, scheduled=True))
    assert bill.total(units.run(600, 1, scheduled=True)) > short
    assert bill.total(units.run(1, 100, scheduled=True)) > short
    assert bill.total(units.run(1, 1, scheduled=True, attempts=2)) > short


def test_a_run_that_prints_all_the_time_costs_its_calls() -> None:
    quiet, chatty = (units.run(3600, kb, scheduled=False) for kb in (0, 720))
    assert quiet.api_requests == pytest.approx(3 + 240)
    assert 350 < chatty.api_requests < 450
    assert chatty.write_units - quiet.write_units >= 350, "each of them writes one item at least"
    few = units.run(3600, 1, scheduled=False)
    assert few.api_requests == quiet.api_requests, "ten lines go along with what is sent anyway"


def test_the_free_tier_takes_off_no_more_than_was_used() -> None:
    used = Units(sqs_requests=400_000, lambda_requests=1_500_000)
    rows = {line.name: line.usd for line in bill.lines(used, free_tier=True)}
    assert rows == {"SQS": 0.0, "Lambda requests": pytest.approx(0.1)}


def test_the_free_tier_is_taken_off_once() -> None:
    """For runs and, beside them, the idle plane: together they cost what one bill of both says."""
    idle = units.standing(units.MONTH)
    for count in (0, 1e5, 1e6):
        runs = units.run(60, 5, scheduled=True) * count
        both = bill.total(runs, free_tier=True) + bill.total(idle, free_tier=True, before=runs)
        assert both == pytest.approx(bill.total(runs + idle, free_tier=True))
    assert bill.total(idle, before=idle) == bill.total(idle), "without it, it is no matter what else there is"


def test_nothing_is_no_line() -> None:
    assert bill.lines(Units()) == []


def test_the_model_imports_the_standard_library_only() -> None:
    code = (
        "import sys; before = set(sys.modules)\nimport headrace.cost.bill\n"
        "found = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(found - set(sys.stdlib_module_names) - {'headrace'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_table_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    prices.main()
    out = capsys.readouterr().out
    assert all(price.name in out for price in PRICES.values())
