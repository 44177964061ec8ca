"""What the options of a command become in the request's body, query and headers."""

from __future__ import annotations

import json
import shlex
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from headrace.cli.values import merge_parameters
from tests.unit.cli import canned
from tests.unit.cli.canned import DEPLOYMENT_ID, RUN_ID
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import Answer, FakeApi, Seen, error

CREATE_RUN = f"/deployments/{DEPLOYMENT_ID}/create_flow_run"


def body_of(api: FakeApi, method: str = "POST", path: str | None = None) -> Any:
    """The body of the only change that was sent."""
    found = [one for one in api.sent(method) if path is None or one.path == path]
    assert len(found) == 1
    return found[0].body


def test_a_pool_is_made_as_told(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    template = tmp_path / "template.json"
    template.write_text('{"job_configuration": {"env": "{{ env }}"}}', encoding="utf-8")
    options = ["--type", "process", "--concurrency-limit", "0", "--description", "for reports", "--paused"]

    cli("work-pool", "create", "p 1", *options, "--base-job-template", str(template))

    assert body_of(api) == {
        "name": "p 1",
        "type": "process",
        "description": "for reports",
        "base_job_template": {"job_configuration": {"env": "{{ env }}"}},
        "is_paused": True,
        "concurrency_limit": 0,
    }


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("work-pool update my-process-pool --no-concurrency-limit", {"concurrency_limit": None}),
        ("work-pool update my-process-pool --concurrency-limit 0", {"concurrency_limit": 0}),
        ("work-pool pause my-process-pool", {"is_paused": True}),
        ("work-queue update default --priority 2 --limit 3", {"priority": 2, "concurrency_limit": 3}),
        ("work-queue resume default", {"is_paused": False}),
        ("deployment pause hello/first", {"paused": True}),
        ("deployment schedule pause hello/first nightly", {"active": False}),
    ],
)
def test_an_update_sends_only_what_was_given(cli: Cli, api: FakeApi, line: str, sent: dict[str, Any]) -> None:
    assert cli(*shlex.split(line)).code == 0
    assert body_of(api, "PATCH") == sent


@pytest.mark.parametrize(
    ("line", "query"),
    [
        ("work-pool delete my-process-pool --cancel-runs", "cancel_runs=true"),
        ("work-pool delete my-process-pool --move-to other", "move_to=other"),
        ("work-queue delete default --cancel-runs", "cancel_runs=true"),
        ("deployment delete hello/first --cancel-runs", "cancel_runs=true"),
    ],
)
def test_deleting_says_what_becomes_of_waiting_runs(cli: Cli, api: FakeApi, line: str, query: str) -> None:
    assert cli(*line.split()).code == 0
    assert query in api.sent("DELETE")[0].query


def test_parameters_are_json_unless_the_schema_says_text(cli: Cli, api: FakeApi) -> None:
    given = ["x=3", "word=3", "maybe=null", "either=4", "more=a=b", "list=[1, 2]", "bare=NaN"]
    words = [word for pair in given for word in ("--param", pair)]

    cli("deployment", "run", "hello/first", "--params", '{"x": 1, "y": {"z": true}}', *words)

    assert body_of(api)["parameters"] == {
        "x": 3,
        "y": {"z": True},
        "word": "3",
        "maybe": "null",
        "either": 4,
        "more": "a=b",
        "list": [1, 2],
        "bare": "NaN",
    }


def test_parameters_that_the_schema_does_not_name_are_as_its_kwargs() -> None:
    texts = {"properties": {"x": {"type": "integer"}}, "additionalProperties": {"type": "string"}}
    assert merge_parameters(None, ["x=3", "z=3"], texts) == {"x": 3, "z": "3"}
    secrets = {"additionalProperties": {"type": "object", "x-secret": True}}
    assert merge_parameters(None, ["z=env:A"], secrets) == {"z": {"$secret": "env:A"}}


def test_parameters_come_from_a_file_or_standard_input(
    cli: Cli, api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"rows": ["é" * 100] * 2000}
    file = tmp_path / "p.json"
    file.write_text(json.dumps(given, ensure_ascii=False), encoding="utf-8")
    assert cli("deployment", "run", "hello/first", "--params", f"@{file}", "--param", "x=2").code == 0
    with file.open() as opened:
        monkeypatch.setattr(sys, "stdin", opened)
        assert cli("deployment", "run", "hello/first", "--params", "-").code == 0
    first, second = (sent.body["parameters"] for sent in api.sent("POST"))
    assert (first, second) == ({**given, "x": 2}, given)


def test_a_run_is_made_as_told(cli: Cli, api: FakeApi) -> None:
    options = [
        "--idempotency-key",
        "k1",
        "--name",
        "mine",
        "--tag",
        "a",
        "--tag",
        "b",
        "--job-variable",
        "env.X=1",
    ]

    cli("deployment", "run", "hello/first", *options)

    sent = body_of(api)
    assert sent == {
        "name": "mine",
        "parameters": {},
        "tags": ["a", "b"],
        "idempotency_key": "k1",
        "job_variables": {"env.X": 1},
    }


def test_start_in_counts_from_now(cli: Cli, api: FakeApi) -> None:
    cli("deployment", "run", "hello/first", "--start-in", "1h30m")

    state = body_of(api)["state"]
    due = datetime.fromisoformat(state["state_details"]["scheduled_time"])
    assert state["type"] == "SCHEDULED"
    assert abs(due - datetime.now(UTC) - timedelta(minutes=90)) < timedelta(minutes=1)


def test_start_at_is_sent_in_utc(cli: Cli, api: FakeApi) -> None:
    cli("deployment", "run", "hello/first", "--start-at", "2030-01-01T09:00+02:00")

    assert body_of(api)["state"]["state_details"]["scheduled_time"] == "2030-01-01T07:00:00Z"


def test_a_found_run_is_told_from_a_made_one(cli: Cli, api: FakeApi) -> None:
    api.on("POST", CREATE_RUN, Answer(canned.run("SCHEDULED"), 200))

    assert cli("deployment", "run", "hello/first", "--idempotency-key", "k").out.startswith(
        "Found, by its ide"
    )


def test_a_schedule_is_made_as_told(cli: Cli, api: FakeApi) -> None:
    options = (
        "--interval 2h --anchor 2026-01-01T00:00+01:00 --timezone Europe/Berlin --slug s --param word=5"
        " --jitter 30s --catchup all --max-lateness 1h --overlap skip --dst both --inactive --replaces old"
    )

    assert cli(*["deployment", "schedule", "create", "hello/first"], *options.split()).code == 0

    assert body_of(api) == [
        {
            "schedule": {
                "interval": 7200.0,
                "anchor_date": "2025-12-31T23:00:00Z",
                "timezone": "Europe/Berlin",
            },
            "slug": "s",
            "replaces": "old",
            "parameters": {"word": "5"},
            "jitter": 30.0,
            "catchup": "all",
            "max_lateness": 3600.0,
            "overlap": "skip",
            "dst": "both",
            "active": False,
        }
    ]


@pytest.mark.parametrize(
    ("options", "filters"),
    [
        ("", {}),
        ("--state running", {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}),
        ("--state Late", {"flow_runs": {"state": {"name": {"any_": ["Late"]}}}}),
        ("--flow-name hello", {"flows": {"name": {"any_": ["hello"]}}}),
        ("--deployment hello/first", {"flow_runs": {"deployment_id": {"any_": [DEPLOYMENT_ID]}}}),
    ],
)
def test_runs_are_chosen_by_the_filters_of_the_api(
    cli: Cli, api: FakeApi, options: str, filters: dict[str, Any]
) -> None:
    cli("flow-run", "ls", "--limit", "7", *options.split())

    sent = [one.body for one in api.seen if one.path == "/flow_runs/filter"][-1]
    if not options.startswith("--state"):  # a state that is asked for is shown whenever it is due
        assert set(sent["flow_runs"].pop("expected_start_time")) == {"before_"}
        assert sent.pop("sort") == "EXPECTED_START_TIME_DESC"
        filters = {"flow_runs": {}} | filters
    assert sent == {**filters, "limit": 8}  # one more than is shown, to tell whether there are more


def test_cancelling_by_choice_leaves_runs_that_are_over(cli: Cli, api: FakeApi) -> None:
    result = cli("flow-run", "cancel", "--deployment", "hello/first")

    sent = next(one.body for one in api.seen if one.path == "/flow_runs/filter")
    types = sent["flow_runs"]["state"]["type"]["any_"]
    assert set(types) == {"SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"}
    assert result.out == f"{RUN_ID} is Cancelling.\n"


def test_runs_are_cancelled_by_place_and_tags(cli: Cli, api: FakeApi) -> None:
    result = cli("flow-run", "cancel", *["--pool", "p", "--queue", "q", "--tag", "a", "--tag", "b"])

    sent = next(one.body for one in api.seen if one.path == "/flow_runs/filter")
    assert (sent["work_pools"], sent["work_pool_queues"]) == (
        {"name": {"any_": ["p"]}},
        {"name": {"any_": ["q"]}},
    )
    assert sent["flow_runs"]["tags"] == {"all_": ["a", "b"]}
    assert "COMPLETED" not in sent["flow_runs"]["state"]["type"]["any_"]
    assert result.out == f"{RUN_ID} is Cancelling.\n"


def test_cancelling_once_more_says_that_it_was_done(cli: Cli, api: FakeApi) -> None:
    over = canned.run("CANCELLED")
    api.on("GET", f"/flow_runs/{RUN_ID}", Answer(over))
    rejected = {"status": "REJECT", "state": over["state"], "details": {"reason": "It is over."}}
    api.on("POST", f"/flow_runs/{RUN_ID}/set_state", Answer(rejected, 201))

    result = cli("flow-run", "cancel", RUN_ID)

    assert (result.code, result.out) == (0, f"{RUN_ID} was Cancelled already.\n")


@pytest.mark.parametrize(
    ("state", "is_green"), [("COMPLETED", True), ("RUNNING", True), ("FAILED", False), ("SCHEDULED", False)]
)
def test_only_what_is_well_is_explained_in_green(
    cli: Cli, api: FakeApi, monkeypatch: pytest.MonkeyPatch, state: str, is_green: bool
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    api.on("GET", f"/flow_runs/{RUN_ID}", Answer(canned.run(state)))

    assert ("\x1b[32m" in cli("flow-run", "why", RUN_ID).out) is is_green


def test_a_run_is_shown_with_the_name_that_commands_take(cli: Cli, api: FakeApi) -> None:
    assert "hello/first" in cli("flow-run", "inspect", RUN_ID).out


def test_a_retry_is_forced_by_a_person(cli: Cli, api: FakeApi) -> None:
    result = cli("flow-run", "retry", RUN_ID)

    assert "It was Completed; it runs again." in result.out
    sent = body_of(api)
    assert (sent["state"]["type"], sent["force"]) == ("SCHEDULED", True)


def test_lists_follow_the_cursor(cli: Cli, api: FakeApi) -> None:
    def page(seen: Seen) -> Answer:
        second = seen.body.get("cursor") == "c1"
        pool = canned.POOL | {"name": "second" if second else "first"}
        return Answer([pool], headers={} if second else {"Headrace-Next-Cursor": "c1"})

    api.on("POST", "/work_pools/filter", page)

    assert [pool["name"] for pool in cli("work-pool", "ls", "-o", "json").json] == ["first", "second"]


def test_a_queue_is_found_without_its_pool_if_only_one_has_the_name(cli: Cli, api: FakeApi) -> None:
    twin = canned.QUEUE | {"work_pool_name": "other"}
    api.on("POST", "/work_queues/filter", Answer([canned.QUEUE, twin]))

    result = cli("work-queue", "pause", "default")

    assert result.code == 2
    assert "Several pools have a queue 'default': my-process-pool, other." in result.err
    assert api.changes() == []


def test_an_unknown_queue_is_told(cli: Cli, api: FakeApi) -> None:
    api.on("POST", "/work_queues/filter", Answer([]))

    assert "no work queue 'q'" in cli("work-queue", "pause", "q").err


def test_an_unknown_schedule_is_told_with_those_there_are(cli: Cli, api: FakeApi) -> None:
    result = cli("deployment", "schedule", "delete", "hello/first", "hourly")

    assert result.err == "Error: 'hello/first' has no schedule 'hourly'.\nIts schedules: nightly.\n"
    assert api.changes() == []


def test_names_with_spaces_and_signs_travel_whole(cli: Cli, api: FakeApi) -> None:
    api.on("GET", "/work_pools/my pool #1", Answer(canned.POOL))

    assert cli("work-pool", "inspect", "my pool #1").code == 0


def test_the_key_goes_along(cli: Cli, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_API_KEY", "hr_1_secret")

    cli("flow", "ls")

    assert api.seen[0].headers["authorization"] == "Bearer hr_1_secret"


def test_an_inspected_run_shows_its_error(cli: Cli, api: FakeApi) -> None:
    wrong = {
        "type": "ValueError",
        "message": "no such mill",
        "traceback": "Traceback (most ...",
    }
    api.on("GET", f"/flow_runs/{RUN_ID}", Answer(canned.run("FAILED", error=wrong)))

    result = cli("flow-run", "inspect", RUN_ID)

    assert "ValueError: no such mill" in result.out
    assert json.loads(cli("flow-run", "inspect", RUN_ID, "-o", "json").out)["error"] == wrong


def test_an_inspected_run_shows_its_way_to_its_state(cli: Cli, api: FakeApi) -> None:
    history = [canned.state("SCHEDULED"), canned.state("PENDING"), canned.state("COMPLETED")]
    api.on("GET", f"/flow_runs/{RUN_ID}", Answer(canned.run(state_history=history)))

    assert "Scheduled > Pending > Completed" in cli("flow-run", "inspect", RUN_ID).out


def test_what_one_request_does_not_get_through_is_gone_on_with(cli: Cli, api: FakeApi) -> None:
    deletes = iter([error(409, "unfinished", "More wait."), Answer(None, 204)])
    skips = iter([Answer({"skipped": 3, "more": True}), Answer({"skipped": 2, "more": False})])
    api.on("DELETE", "/work_pools/my-process-pool", lambda seen: next(deletes))
    api.on("POST", "/work_pools/my-process-pool/skip_late", lambda seen: next(skips))
    assert "Skipped 5 late runs" in cli("work-pool", "skip-late", "my-process-pool").out
    assert "Deleted" in cli("work-pool", "delete", "my-process-pool", "--cancel-runs").out
    assert len(api.sent("DELETE")) == 2


def test_a_new_template_tells_which_deployments_it_leaves_behind(
    cli: Cli, api: FakeApi, tmp_path: Path
) -> None:
    template = tmp_path / "template.json"
    template.write_text('{"job_configuration": {}, "variables": {}}', encoding="utf-8")
    row = {"deployment_id": DEPLOYMENT_ID, "deployment": "hello/first", "problem": "nice is not known."}
    api.on("POST", "/work_pools/my-process-pool/misfits/filter", Answer([row]))
    result = cli("work-pool", "update", "my-process-pool", "--base-job-template", str(template))
    assert "Deployment 'hello/first' no longer fits: nice is not known." in result.err


def test_a_long_value_of_a_variable_is_not_said_again_whole(cli: Cli, api: FakeApi) -> None:
    api.on("GET", "/variables/name/rows", Answer(canned.VARIABLE | {"value": "x" * 4000}))

    assert len(cli("variable", "set", "rows", "x" * 4000).out) < 150


def test_a_preview_has_no_moment_that_will_not_come_about(cli: Cli, api: FakeApi) -> None:
    paused = canned.SCHEDULE | {"id": RUN_ID, "slug": "off", "active": False}
    asked = f"{canned.DEPLOYMENTS}/schedules/{RUN_ID}/upcoming"
    api.on("GET", f"{canned.DEPLOYMENTS}/schedules", Answer([canned.SCHEDULE, paused]))
    api.on("GET", asked, Answer([canned.OCCURRENCE | {"schedule_slug": "off"}]))
    whole = cli("deployment", "schedule", "preview", "hello/first")
    assert ("nightly" in whole.out, "off" in whole.out) == (True, False)
    assert "'off' is paused. Go on with: headrace deployment schedule resume hello/first off" in whole.err
    assert "off" in cli("deployment", "schedule", "preview", "hello/first", "off").out


def test_a_preview_says_what_the_schedule_says_and_speaks_in_its_zone(cli: Cli, api: FakeApi) -> None:
    out = cli("deployment", "schedule", "preview", "hello/first").out
    assert "2026-03-02 04:00:00+01:00" in out and "cron 0 4 * * * (Europe/Berlin)" in out


def test_the_times_of_a_paused_deployment_are_not_promised(cli: Cli, api: FakeApi) -> None:
    api.on("GET", "/deployments/name/hello/first", Answer(canned.DEPLOYMENT | {"paused": True}))
    for command in ("preview", "ls"):
        done = cli("deployment", "schedule", command, "hello/first")
        assert (done.code, "headrace deployment resume hello/first" in done.err) == (0, True)


def test_what_was_due_before_a_schedule_was_changed_is_not_missing(cli: Cli, api: FakeApi) -> None:
    now = datetime.now(UTC)
    changed = canned.SCHEDULE | {"updated": (now - timedelta(hours=1)).isoformat()}
    api.on("GET", f"{canned.DEPLOYMENTS}/schedules", Answer([changed]))

    def asked(*options: str) -> str:
        assert cli("deployment", "schedule", "verify", "hello/first", *options).code == 0
        return unquote(next(one.query for one in reversed(api.seen) if one.path.endswith("/verify")))

    assert changed["updated"][:19] in asked()
    assert "2026-03-01" in asked("--from", "2026-03-01")


def test_a_run_of_a_command_gets_no_parameters(cli: Cli, api: FakeApi) -> None:
    api.on("GET", "/deployments/name/hello/first", Answer(canned.DEPLOYMENT | {"entrypoint": None}))
    result = cli("deployment", "run", "hello/first", "--param", "x=3")
    assert (result.code, api.changes()) == (2, [])
    assert "A command gets no parameters." in result.err
    words = result.err.partition("of one run: ")[2].rstrip().removesuffix(".")
    assert cli("deployment", "run", "hello/first", *shlex.split(words)).code == 0
    assert api.sent("POST")[-1].body["job_variables"] == {"env": {"NAME": "VALUE"}}
    done = cli("deployment", "run", "hello/first")
    assert (done.code, f"headrace flow-run why {RUN_ID}" in done.out) == (0, True)


def test_of_one_thing_the_word_is_in_the_singular(cli: Cli, api: FakeApi, tmp_path: Path) -> None:
    assert "At most 1 run with the tag 'db'" in cli("concurrency-limit", "create", "db", "1").out
    assert "At most 2 runs with the tag 'db'" in cli("concurrency-limit", "create", "db", "2").out
