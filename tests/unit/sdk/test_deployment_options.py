"""What `to_deployment`, `serve` and `deploy` are given: taken, or refused by name and at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from headrace import deploy, flow, serve, task


@flow
def report(day: str = "today") -> None:
    """Stands where another process finds it."""


@task
def step() -> None:
    """Is no flow."""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"schedule": "0 4 * * *"}, r"no option 'schedule': say cron=..., interval=... or rrule="),
        ({"crons": []}, "no option 'crons': did you mean 'cron'"),
        ({"tag": ["x"]}, "no option 'tag': did you mean 'tags'"),
        ({"parameter": {}}, "no option 'parameter': did you mean 'parameters'"),
        ({"work_pool": "etl"}, "no option 'work_pool': did you mean 'work_pool_name'"),
        ({"retries": 3}, r"no option 'retries': it belongs to the flow: @flow\(retries=...\)"),
        ({"image": "x"}, "no option 'image': runs are processes of a worker; source="),
        ({"triggers": []}, "no option 'triggers': Headrace starts runs by"),
        ({"source": "git"}, "no option 'source': it belongs to deploy"),
        ({"limit": 3}, "no option 'limit': it belongs to serve"),
        ({"qqq": 3}, "no option 'qqq': it has cron, interval"),
        ({"interval": "5m"}, "interval takes seconds or a timedelta, or a list of these, not '5m'"),
        ({"interval": True}, "interval takes"),
        ({"cron": 5}, "cron takes text, or a list of it, not 5"),
        ({"cron": ["0 4 * * *", 5]}, "cron takes text"),
        ({"tags": "x"}, "tags takes a list of text, not 'x'"),
        ({"parameters": ["x"]}, "parameters takes a dict"),
        ({"schedules": {"cron": "0 4 * * *"}}, r"schedules takes a list of dicts.*say cron="),
        ({"schedules": ["0 4 * * *"]}, "schedules takes a list of dicts"),
        ({"paused": "no"}, "paused takes True or False"),
        ({"concurrency_limit": "2"}, "concurrency_limit takes a whole number"),
        ({"work_pool_name": {"name": "x"}}, "work_pool_name takes text"),
    ],
)
def test_an_option_that_would_say_nothing_is_refused(options: dict[str, Any], said: str) -> None:
    own = {"limit", "source"} & options.keys()  # serve's, and deploy's
    for call in (report.to_deployment,) if own else (report.to_deployment, report.serve, report.deploy):
        with pytest.raises(TypeError, match=said):
            call("x", **options)


def test_all_options_are_taken() -> None:
    made = report.to_deployment(
        "x",
        cron=["0 4 * * *", "0 5 * * *"],
        interval=timedelta(minutes=5),
        rrule="FREQ=DAILY",
        timezone="Europe/Berlin",
        schedules=[{"interval": 60, "slug": "often"}],
        parameters={"day": "monday"},
        tags=("a", "b"),
        description="d",
        version="1",
        paused=True,
        enforce_parameter_schema=False,
        concurrency_limit=2,
        collision_strategy="CANCEL_NEW",
        work_pool_name="etl",
        work_queue_name="fast",
        job_variables={"env": {}},
    )
    assert [one.get("interval") for one in made.entry["schedules"]] == [None, None, 300.0, None, 60]
    assert report.to_deployment("x", cron=None, tags=None).entry.keys() == {"name", "entrypoint", "work_pool"}


@pytest.mark.parametrize("taker", [serve, deploy])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (report, r"say (\w+)\(report.to_deployment\('main'\)\) or report.\1\('main'\)"),
        (step, "make a flow of the function by @flow first"),
        (len, "make a flow of the function by @flow first"),
        ([report], r"one by one: (serve|deploy)\(\*deployments\)"),
        ("report/x", "takes what flow.to_deployment"),
    ],
)
def test_what_is_no_deployment_is_refused(taker: Any, given: object, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        taker(given)


@pytest.mark.parametrize(
    ("call", "options", "kind", "said"),
    [
        (serve, {"limit": "3"}, TypeError, "limit takes a whole number"),
        (serve, {"limit": 0}, ValueError, "limit is at least 1"),
        (serve, {"limit": 1001}, ValueError, "limit is at least 1 and at most 1000, not 1001"),
        (serve, {"pause_on_shutdown": 1}, TypeError, "pause_on_shutdown takes True or False"),
        (deploy, {"source": 3}, TypeError, "source takes local, bundle, git"),
        (deploy, {"source": "gti", "work_pool_name": "x"}, ValueError, "source is 'gti'"),
        (deploy, {"create_pool": "yes"}, TypeError, "create_pool takes True or False"),
        (deploy, {"work_pool_name": {"name": "x"}}, TypeError, "work_pool_name takes text"),
        (deploy, {}, ValueError, "no work pool is named for report/x: say work_pool_name="),
    ],
)
def test_other_arguments_are_checked_too(
    call: Any, options: dict[str, Any], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        call(report.to_deployment("x"), **options)


def test_the_name_is_text() -> None:
    with pytest.raises(TypeError, match="name is text"):
        report.to_deployment(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["deploy", "serve"])
def test_a_deployment_says_who_takes_it(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"give it to headrace.{name}\(...\)"):
        getattr(report.to_deployment("x"), name)
