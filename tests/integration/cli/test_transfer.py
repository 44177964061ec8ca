"""`headrace export` and `import-data`: what was made in one control plane, made in another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headrace.cli.main import main
from headrace.cli.stages import home
from headrace.settings import Profile, Profiles, save_profiles
from tests.integration.cli.conftest import Bridge
from tests.support.plane import Rig, rig
from tests.unit.cli.conftest import Cli

JSON = ("--output", "json")


def fill(plane: Rig) -> None:
    plane.pool("pool", description="the first", concurrency_limit=3)
    plane.ok("POST", "/work_pools/pool/queues", {"name": "high", "priority": 1, "concurrency_limit": 2})
    plane.pool("idle", is_paused=True)
    plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 2})
    plane.ok("POST", "/flows", {"name": "alone", "tags": ["a"]})
    plane.ok("POST", "/variables/", {"name": "rows", "value": {"most": 10}, "tags": ["etl"]})
    plane.ok("POST", "/variables/", {"name": "nothing", "value": None})
    plane.deployment(
        "etl",
        "nightly",
        parameters={"x": 1},
        parameter_openapi_schema={"type": "object", "properties": {"x": {"type": "integer"}}},
        tags=["db"],
        work_queue_name="high",
        retry_policy={"retries": 2, "delay": [1, 2]},
        concurrency_limit=1,
        concurrency_options={"collision_strategy": "CANCEL_NEW"},
        pull_steps=[{"headrace.deployments.steps.set_working_directory": {"directory": "/srv"}}],
        job_variables={"env": {"TOKEN": "secret://env/TOKEN"}},
        schedules=[
            {
                "schedule": {"cron": "0 4 * * *", "timezone": "Europe/Berlin"},
                "slug": "night",
                "overlap": "skip",
            },
            {"schedule": {"interval": 600}, "slug": "often", "active": False, "parameters": {"x": 2}},
        ],
    )


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_comes_back_as_it_was(cli: Cli, plane: Rig, bridge: Bridge, tmp_path: Path) -> None:
    fill(plane)
    file, again = tmp_path / "all.ndjson", tmp_path / "again.ndjson"
    counts = cli("export", str(file), *JSON).json
    assert counts == {
        "work_pool": 2,
        "work_queue": 3,
        "flow": 2,
        "concurrency_limit": 1,
        "variable": 2,
        "deployment": 1,
    }
    with rig() as other:
        bridge.plane = other
        plan = cli("import-data", str(file), "--dry-run", *JSON).json
        assert {row["outcome"] for row in plan} == {"made"}
        assert other.ok("POST", "/work_pools/filter", {}) == []
        done = cli("import-data", str(file), *JSON)
        found = [row["name"] for row in done.json if row["outcome"] == "found"]
        assert (done.code, found) == (0, ["idle/default", "pool/default"]), (
            "queues that came with their pools"
        )
        repeat = cli("import-data", str(file), *JSON)
        assert (repeat.code, {row["outcome"] for row in repeat.json}) == (0, {"found"})
        cli("export", str(again))
        other.plane.tick()
        assert other.run(other.ok("GET", "/deployments/name/etl/nightly"))["parameters"] == {"x": 1}
    assert again.read_text() == file.read_text()


def test_what_differs_is_told_and_replaced_on_demand(
    cli: Cli, plane: Rig, bridge: Bridge, tmp_path: Path
) -> None:
    fill(plane)
    file = tmp_path / "all.ndjson"
    cli("export", str(file))
    deployment = plane.ok("GET", "/deployments/name/etl/nightly")
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"paused": True, "schedules": []})
    plane.ok("PATCH", "/work_pools/pool", {"concurrency_limit": 9})
    plane.ok("PATCH", "/v2/concurrency_limits/db", {"limit": 9})
    plane.ok("PATCH", "/variables/name/rows", {"value": 11})
    done = cli("import-data", str(file), *JSON)
    differs = {row["name"] for row in done.json if row["outcome"] == "differs"}
    assert (done.code, differs) == (1, {"pool", "db", "rows", "etl/nightly"})
    assert plane.ok("GET", "/work_pools/pool")["concurrency_limit"] == 9
    replaced = cli("import-data", str(file), "--replace")
    assert replaced.code == 0
    assert "4 replaced" in replaced.out
    assert {row["outcome"] for row in cli("import-data", str(file), *JSON).json} == {"found"}


def test_runs_are_written_for_reading_and_left_out_of_an_import(
    cli: Cli, plane: Rig, bridge: Bridge, tmp_path: Path
) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    file = tmp_path / "runs.ndjson"
    cli("export", str(file), "--runs")
    assert lines(file)[-2]["record"]["id"] == run["id"]
    done = cli("import-data", str(file), *JSON)
    assert (done.code, done.json[-1]["outcome"]) == (0, "left out")


def test_a_file_that_was_cut_between_two_lines_is_refused(
    cli: Cli, plane: Rig, bridge: Bridge, tmp_path: Path
) -> None:
    fill(plane)
    file = tmp_path / "all.ndjson"
    cli("export", str(file))
    whole = file.read_text().splitlines(keepends=True)
    for kept in range(1, len(whole)):
        file.write_text("".join(whole[:kept]))
        done = cli("import-data", str(file), "--replace")
        assert (done.code, "is cut off" in done.err) == (2, True), kept


def test_deployments_whose_bundles_are_not_there_are_told(
    cli: Cli,
    plane: Rig,
    bridge: Bridge,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plane.pool()
    step = {"headrace.deployments.steps.pull_bundle": {"digest": "sha256:" + "0" * 64, "size": 3}}
    for name in ("one", "two"):
        plane.deployment("etl", name, pull_steps=[step])
    plane.deployment("etl", "plain")
    file = tmp_path / "all.ndjson"
    cli("export", str(file))
    save_profiles(tmp_path, Profiles().with_profile("prod", Profile(bridge.url)))
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path))
    monkeypatch.setattr("typer.prompt", lambda *_, **__: str(tmp_path / "before-it-goes.ndjson"))
    home.offer_export(bridge.url)
    assert "The code of 2 deployments is in bundles" in capsys.readouterr().err
    assert (tmp_path / "before-it-goes.ndjson").read_text() == file.read_text()
    for more in (("--dry-run",), (), JSON):
        done = cli("import-data", str(file), *more)
        assert done.code == 0
        assert "2 of 3 deployments need `headrace deploy` again" in done.err
        assert "not here: etl/one, etl/two." in done.err


def test_no_key_is_ever_in_it(cli: Cli, plane: Rig, bridge: Bridge, tmp_path: Path) -> None:
    fill(plane)
    made = plane.ok("POST", "/api_keys", {"name": "ci", "role": "admin"})
    file = tmp_path / "all.ndjson"
    cli("export", str(file), "--runs")
    text = file.read_text()
    assert "hr_" not in text
    assert made["id"] not in text
    assert not any("sqs" in line.lower() or "queue_url" in line for line in text.splitlines())


NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=8)
LIMITS = st.none() | st.integers(0, 50)
VALUES = st.dictionaries(NAMES, st.integers() | st.text(max_size=5) | st.booleans() | st.none(), max_size=3)
TIMES = st.sampled_from(
    [{"cron": "*/5 * * * *"}, {"interval": 90.5}, {"rrule": "FREQ=DAILY", "timezone": "Asia/Tokyo"}]
)
SCHEDULES = st.fixed_dictionaries(
    {
        "schedule": TIMES,
        "active": st.booleans(),
        "parameters": VALUES,
        "jitter": st.floats(0, 60).map(lambda value: round(value, 2)),
        "catchup": st.sampled_from(["latest", "all", "none"]),
        "overlap": st.sampled_from(["allow", "skip", "cancel_running"]),
    }
)
DEPLOYMENTS = st.fixed_dictionaries(
    {
        "parameters": VALUES,
        "paused": st.booleans(),
        "tags": st.lists(NAMES, max_size=3, unique=True),
        "concurrency_limit": LIMITS,
        "schedules": st.lists(SCHEDULES, max_size=2),
        "timeout_seconds": st.none() | st.floats(1, 1000),
    }
)
PLANES = st.fixed_dictionaries(
    {
        "pools": st.dictionaries(NAMES, LIMITS, min_size=1, max_size=2),
        "queues": st.dictionaries(NAMES, st.tuples(LIMITS, st.integers(1, 9)), max_size=2),
        "deployments": st.dictionaries(NAMES, DEPLOYMENTS, max_size=2),
    }
)


@settings(
    max_examples=10,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # an example takes a second: no long search for a smaller one
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(PLANES)
def test_any_plane_comes_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wanted: Any) -> None:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    files = [tmp_path / "first.ndjson", tmp_path / "second.ndjson"]
    for path in files:
        path.unlink(missing_ok=True)
        with rig() as plane, Bridge(plane) as bridge:
            monkeypatch.setenv("HEADRACE_API_URL", bridge.url)
            if path == files[0]:
                _make(plane, wanted)
            else:
                assert main(["import-data", str(files[0])]) == 0
            assert main(["export", str(path)]) == 0
    assert files[0].read_text() == files[1].read_text()


def _make(plane: Rig, wanted: Any) -> None:
    pool = next(iter(wanted["pools"]))
    for name, limit in wanted["pools"].items():
        plane.pool(name, concurrency_limit=limit)
    default = plane.ok("POST", "/work_queues/filter", {})[0]
    plane.ok("PATCH", f"/work_queues/{default['id']}", {"priority": 7})
    for name, (limit, priority) in wanted["queues"].items():
        body = {"name": name, "concurrency_limit": limit, "priority": priority}
        assert plane.call("POST", f"/work_pools/{_path(pool)}/queues", body).status in (201, 409)
    for name, values in wanted["deployments"].items():
        plane.deployment("flow", name, pool, **values)


def _path(name: str) -> str:
    from urllib.parse import quote

    return quote(name)


HEADER = '{"headrace_export":1,"version":"0.1.0"}\n'
POOL = '{"kind":"work_pool","record":{"name":"new","type":"process"}}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("{}", "is no export"),
        ("name: flow\n", "not JSON"),
        ('{"headrace_export":2,"version":"9.0"}\n', "format 2"),
        (HEADER + POOL + '{"kind":"work_pool","rec', "line 3: it is not JSON"),
        (HEADER + POOL + "[1]\n", "line 3"),
        (HEADER + POOL + '{"kind":"moon","record":{}}\n', "'moon' is no kind"),
        (HEADER + POOL + '{"kind":["x"],"record":{}}\n', "no kind"),
        (HEADER + POOL + '{"kind":"flow"}\n', "not a record"),
        (HEADER + POOL + '{"kind":"flow","record":[]}\n', "not a record"),
        (HEADER + POOL + '{"kind":"flow","record":{},"x":1}\n', "not a record"),
        (HEADER + POOL + "\n", "not JSON"),
        (HEADER + POOL + "[" * 100_000, "not JSON"),
        ("\udcff", "not UTF-8"),
        (HEADER + POOL, "is cut off: its last line is missing"),
        (HEADER, "is cut off"),
        (HEADER + POOL + '{"headrace_export_end":2}\n', "has 1 records, and was written with 2"),
        (HEADER + POOL + '{"headrace_export_end":null}\n', "is cut off"),
        (HEADER + '{"headrace_export_end":0}\n' + POOL, "line 3: it stands behind the end"),
    ],
)
def test_a_wrong_file_changes_nothing(
    cli: Cli, plane: Rig, bridge: Bridge, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "bad.ndjson"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    done = cli("import-data", str(file))
    assert done.code == 2
    assert said in done.err
    assert plane.ok("POST", "/work_pools/filter", {}) == []


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("{}", "line 3: the record has no 'name'"),
        ('{"name":"a/b"}', "line 3: name"),
        ('{"name":"a","tags":7}', "line 3: tags"),
        ('{"name":"a","surprise":1}', "line 3: surprise"),
    ],
)
def test_a_wrong_record_is_named_by_its_line(
    cli: Cli, plane: Rig, bridge: Bridge, tmp_path: Path, record: str, said: str
) -> None:
    file = tmp_path / "bad.ndjson"
    file.write_text(HEADER + POOL + f'{{"kind":"flow","record":{record}}}\n{{"headrace_export_end":2}}\n')
    done = cli("import-data", str(file))
    assert done.code == 1
    assert said in done.err
    assert "the same command again" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("export",), "FILE"),
        (("export", "there.ndjson"), "--force"),
        (("export", "no/such/folder/x.ndjson"), "Cannot write"),
        (("export", "x", "y"), "y"),
        (("import-data", "none.ndjson"), "Cannot read"),
        (("import-data", "."), "Cannot read"),
        (("import-data",), "FILE"),
        (("import", "there.ndjson"), "headrace import-data there.ndjson"),
    ],
)
def test_bad_words(
    cli: Cli, bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Any, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.ndjson").write_text("kept")
    done = cli(*words)
    assert done.code in (1, 2)
    assert said in done.err
    assert (tmp_path / "there.ndjson").read_text() == "kept"
    assert not list(tmp_path.glob("*.part"))
