"""From a grant to a command."""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import uuid4

import pytest

from headrace.client.errors import NotFound
from headrace.contract.sync import Grant
from headrace.worker.events import ENGINE_SLACK
from headrace.worker.keeper.starts import Kind, kind_of
from headrace.worker.prepare import PrepareError, prepare
from headrace.worker.sources.workshop import Workshop
from headrace.worker.state import StateFolder

ENV = {
    "PATH": "/bin",
    "LC_ALL": "C",
    "https_proxy": "p",
    "PYTHONPATH": "x",
    "HEADRACE_API_KEY": "secret",
    "AWS_ACCESS_KEY_ID": "secret",
    "PYTHONSTARTUP": "no",
    "MY_PATH": "no",
}


def grant(configuration: dict[str, object] | None = None, **more: object) -> Grant:
    return Grant.model_validate(
        {
            "run": uuid4(),
            "attempt": 2,
            "name": "n",
            "flow_name": "f",
            "work_queue_name": "q",
            "entrypoint": "f.py:f",
            "expected_start_time": "2026-01-01T00:00:00Z",
            "configuration": configuration or {},
            **more,
        }
    )


@pytest.mark.parametrize(
    ("env", "words"),
    [({"A=B": "x"}, "'A=B'"), ({"": "x"}, "not empty"), ({"A\0": "x"}, "NUL"), ({"A": "hid\0den"}, "value")],
)
def test_a_variable_that_no_system_has_is_said(env: dict[str, str], words: str) -> None:
    with pytest.raises(PrepareError, match="job variable `env`") as caught:
        prepare(grant({"env": env}), ENV)
    assert words in str(caught.value)
    assert "hid" not in str(caught.value)


def test_the_engine_is_started_with_a_spec() -> None:
    launch = prepare(grant(parameters={"x": 1}, timeout_seconds=10), ENV)
    assert launch.argv[:4] == [sys.executable, "-P", "-m", "headrace.engine"]
    assert launch.engine
    assert launch.spec is not None
    assert (launch.spec["parameters"], launch.spec["attempt"], launch.spec["timeout_seconds"]) == (
        {"x": 1},
        2,
        10,
    )
    assert launch.timeout == 10 + ENGINE_SLACK
    assert (launch.grace, launch.stream) == (30.0, True)


def test_a_flow_is_told_the_moment_that_its_run_stands_for() -> None:
    def told(**more: object) -> object:
        spec = prepare(grant(**more), ENV).spec
        return spec and spec["expected_start_time"]

    assert told() == "2026-01-01T00:00:00+00:00"
    assert told(occurrence="2025-11-20T04:00:00Z") == "2025-11-20T04:00:00+00:00"


def test_a_run_is_told_its_place_in_a_trace_and_where_spans_go_but_no_key_for_that() -> None:
    otel = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "key=x"}
    place = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    env = prepare(grant(traceparent=place), ENV | otel | {"TRACEPARENT": "the worker's own"}).env
    assert (env["TRACEPARENT"], env["OTEL_EXPORTER_OTLP_ENDPOINT"]) == (place, "http://collector")
    assert "OTEL_EXPORTER_OTLP_TRACES_HEADERS" not in env
    assert "TRACEPARENT" not in prepare(grant(), ENV | {"TRACEPARENT": "the worker's own"}).env


def test_runs_of_different_traces_come_from_the_same_zygote() -> None:
    def kind(place: str) -> Kind | None:
        launch = prepare(grant(traceparent=place), ENV)
        order = {"argv": launch.argv, "env": launch.env, "spec": launch.spec, "start_method": "zygote"}
        return kind_of({**order, "env": {**launch.env, "PYTHONPATH": "/x"}})

    first, second = (kind(f"00-{number:032x}-b7ad6b7169203331-01") for number in (1, 2))
    assert first == second is not None


def test_the_environment_is_an_allow_list() -> None:
    env = prepare(grant({"env": {"A": 1, "LC_ALL": None}}), ENV).env
    kept = {name for name in env if not name.startswith("HEADRACE__")}
    assert kept == {"PATH", "https_proxy", "PYTHONPATH", "A", "PYTHONUNBUFFERED"}
    assert env["HEADRACE__FLOW_NAME"] == "f"


@pytest.mark.parametrize(
    ("wanted", "given"), [(None, ()), ([], ()), (["pandas", "mylib.core"], ("pandas", "mylib.core"))]
)
def test_modules_to_preload(wanted: object, given: tuple[str, ...]) -> None:
    assert prepare(grant({"preload": wanted}), ENV).preload == given


@pytest.mark.parametrize("configuration", [{}, {"command": "sh run.sh"}], ids=["flow", "command"])
def test_a_secret_for_the_environment_is_read_here_and_taken_out_of_what_is_said(
    configuration: dict[str, object],
) -> None:
    chosen = {"env": {"PASSWORD": {"$secret": "env:MINE"}}, **configuration}
    launch = prepare(grant(chosen), {**ENV, "MINE": "hunter2"})
    assert launch.env["PASSWORD"] == "hunter2"
    assert "hunter2" in launch.redact
    with pytest.raises(
        PrepareError, match="secret env:MINE of environment variable 'PASSWORD' cannot be read"
    ):
        prepare(grant(chosen), ENV)
    with pytest.raises(PrepareError, match="by reference only"):
        prepare(grant({"env": {"A": {"value": "hunter2"}}}), ENV)


@pytest.mark.parametrize("command", ["sh -c 'echo hi'", ["sh", "-c", "echo hi"]])
def test_any_command_runs_instead_of_the_engine(command: object) -> None:
    launch = prepare(
        grant({"command": command, "timeout": 3, "memory_mb": 100, "nice": "5"}, entrypoint=None), ENV
    )
    assert launch.argv == ["sh", "-c", "echo hi"]
    assert not launch.engine
    assert launch.timeout == 3
    assert launch.limits == {"memory_mb": 100, "nice": 5}


def test_folders(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    steps = [{"headrace.deployments.steps.set_working_directory": {"directory": str(tmp_path)}}]
    assert prepare(grant(pull_steps=steps), ENV).cwd == str(tmp_path)
    assert prepare(grant(pull_steps=steps, path="a"), ENV).cwd == str(tmp_path / "a")
    assert prepare(grant({"working_dir": "b"}, pull_steps=steps, path="a"), ENV).cwd == str(
        tmp_path / "a" / "b"
    )


@pytest.mark.parametrize(
    ("configuration", "more", "words"),
    [
        ({}, {"entrypoint": None}, "neither an entrypoint"),
        ({"command": [1]}, {}, "command"),
        ({"command": "echo 'a"}, {}, "job variable `command` is .*No closing quotation. Mend its quotes"),
        ({"env": "A=1"}, {}, "env"),
        ({"timeout": "soon"}, {}, "timeout"),
        ({"working_dir": "/no/such"}, {}, "/no/such"),
        ({"preload": "pandas"}, {}, "`preload` is 'pandas'; expected names of modules such as"),
        ({"preload": [7]}, {}, "preload"),
        ({"preload": [""]}, {}, "preload"),
        ({"preload": ["a..b"]}, {}, "preload"),
        ({"preload": ["os; import sys"]}, {}, "preload"),
        ({"preload": {"pandas": True}}, {}, "preload"),
        ({}, {"path": "/no/such"}, "/no/such"),
        ({}, {"pull_steps": [{"x.y": {}}]}, "does not know the pull step 'x.y'"),
        ({}, {"pull_steps": [{"headrace.deployments.steps.set_working_directory": {}}]}, "directory"),
    ],
)
def test_what_does_not_fit_is_explained(
    configuration: dict[str, object], more: dict[str, object], words: str
) -> None:
    with pytest.raises(PrepareError, match=words):
        prepare(grant(configuration, **more), ENV)


@pytest.mark.parametrize("name", ["..", ".", "a b", "ä:*?", "x.y"])
def test_any_name_has_a_folder_of_its_own(tmp_path: Path, name: str) -> None:
    folder = StateFolder(tmp_path, "p", name)
    assert folder.path.parent == tmp_path / "workers" / "p"
    assert folder.path.is_dir()
    assert folder.take()
    assert not StateFolder(tmp_path, "p", name).take()
    folder.release()
    assert StateFolder(tmp_path, "p", name).take()


def test_a_sentence_of_the_control_plane_gets_no_second_full_stop(tmp_path: Path) -> None:
    digest = "sha256:" + "0" * 64

    def download(_: str, __: Path) -> None:
        raise NotFound(404, "not_found", f"There is no bundle {digest}.", hint="Deploy again.")

    step = {"headrace.deployments.steps.pull_bundle": {"digest": digest}}
    workshop = Workshop.of(ENV, download, tmp_path)
    with pytest.raises(PrepareError) as caught:
        prepare(grant(pull_steps=[step]), ENV, workshop)
    assert str(caught.value).endswith(f"There is no bundle {digest}. Deploy again.")
