"""Options of `headrace deploy` for what the wizard asks: code source, pool, saving, and doing without a look."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.cli.deploying.answers import Answers, _parameter_words
from headrace.cli.deploying.facts import facts_of, facts_of_command
from headrace.cli.deploying.flags import SourceKind
from headrace.cli.deploying.undoing import undoing
from headrace.cli.errors import CliError
from headrace.cli.values import merge_parameters
from headrace.client.api import Api
from headrace.client.errors import Invalid
from headrace.client.transport import Transport
from headrace.project.read import read_file
from headrace.project.sources import GIT
from tests.unit.cli import canned
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import Answer, FakeApi, Seen, error

SHA = "0123456789abcdef0123456789abcdef01234567"
LINE = ("deploy", "flows.py:hello", "-n", "first", "-p", "my-process-pool")
WRONG = {
    "--credential hunter2": "never the secret itself",
    "--credential token:hunter2": "never the secret itself",
    "--source bundle --branch main": "--branch belongs to --source git",
    "--source local --credential env:A": "--credential belongs to --source git",
    "--track --commit abc": "contradict each other",
    "--source git": "no clone with a remote",
    "--repository https://a:hunter2@git.example/x --commit abc": "password or token",
    "--repository https://git.example/x": "Which commit",
    "-n second": "Give --name once",
    "--no-schedule --cron @daily": "--no-schedule contradicts",
    "--all": "an entrypoint contradict each other",
    "--plan": "an entrypoint contradict each other",
    "--repository /srv/x.git --commit abc --credential env:A": "credentials go with https and ssh",
    "--repository file:///srv/x.git --commit abc --credential env:A": "Leave out --credential",
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "flows.py").write_text(
        "from headrace import flow\n\n@flow\ndef hello(x: int = 1):\n    'Greets.'\n"
    )
    return folder


def sent(api: FakeApi, path: str) -> Any:
    return next(one.body for one in api.sent("POST") if one.path == path)


@pytest.mark.parametrize(("words", "said"), WRONG.items(), ids=WRONG)
def test_wrong_options_change_nothing(cli: Cli, api: FakeApi, words: str, said: str) -> None:
    result = cli(*LINE, *words.split())

    assert result.code == 2
    assert said in result.err
    assert "hunter2" not in result.err
    assert api.changes() == []


def test_git_with_everything_given(cli: Cli, api: FakeApi) -> None:
    words = (
        f"--repository https://git.example/x.git --branch main --commit {SHA} --credential ssm:/team/token"
    )

    assert cli(*LINE, *words.split()).code == 0
    assert sent(api, "/deployments/")["pull_steps"] == [
        {
            GIT: {
                "repository": "https://git.example/x.git",
                "branch": "main",
                "commit": SHA,
                "credentials": {"ssm": "/team/token"},
            }
        }
    ]


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("env:A", {"env": "A"}),
        ("secretsmanager:arn:aws:x", {"secretsmanager": "arn:aws:x"}),
        ("helper", {"credential_helper": True}),
    ],
)
def test_references_to_secrets(cli: Cli, api: FakeApi, text: str, reference: dict[str, Any]) -> None:
    words = f"--repository https://git.example/x.git --commit {SHA} --credential {text}"

    assert cli(*LINE, *words.split()).code == 0
    assert sent(api, "/deployments/")["pull_steps"][0][GIT]["credentials"] == reference


def test_a_followed_branch_says_so(cli: Cli, api: FakeApi) -> None:
    words = "--repository https://git.example/x.git --branch main --track"

    assert cli(*LINE, *words.split()).code == 0
    assert sent(api, "/deployments/")["pull_steps"][0][GIT]["track"] == "branch"


def test_a_pool_is_made_only_when_it_is_missing(cli: Cli, api: FakeApi) -> None:
    assert cli(*LINE, "--create-pool").code == 0
    assert "POST /work_pools/" not in api.changes()
    api.on("GET", "/work_pools/my-process-pool", error(404, "not_found", "There is none."))

    out = cli(*LINE, "--create-pool").out

    assert sent(api, "/work_pools/") == {"name": "my-process-pool", "type": "process"}
    assert "Made work pool 'my-process-pool'" in out


@pytest.fixture
def no_pool(api: FakeApi) -> None:
    """Neither the pool nor the deployment is there yet."""
    api.on("GET", "/work_pools/my-process-pool", error(404, "not_found", "There is none."))
    api.on("GET", "/deployments/name/hello/first", error(404, "not_found", "There is none."))


@pytest.mark.usefixtures("no_pool")
def test_a_pool_that_was_made_in_vain_is_removed(cli: Cli, api: FakeApi) -> None:
    api.on("POST", "/deployments/", error(422, "invalid", "job_variables.env: must be an object"))

    result = cli(*LINE, "--create-pool", "--save")

    assert result.code == 1
    assert api.changes()[-1] == "DELETE /work_pools/my-process-pool"
    assert "job_variables.env" in result.err and "work-pool delete" not in result.err
    assert not Path("headrace.yaml").exists()


@pytest.mark.usefixtures("no_pool")
def test_a_pool_that_cannot_be_removed_again_is_told(cli: Cli, api: FakeApi) -> None:
    api.on("POST", "/deployments/", error(422, "invalid", "no"))
    api.on("DELETE", "/work_pools/my-process-pool", error(409, "runs_active", "It has runs."))

    err = cli(*LINE, "--create-pool").err

    assert "headrace work-pool delete my-process-pool" in err and "It has runs." in err


@pytest.mark.usefixtures("no_pool")
def test_a_pool_that_somebody_else_made_meanwhile_stays(cli: Cli, api: FakeApi) -> None:
    api.on("POST", "/work_pools/", error(409, "exists", "There is one."))

    assert cli(*LINE, "--create-pool").code == 1
    assert not any(change.startswith("DELETE") for change in api.changes())


@pytest.mark.usefixtures("no_pool")
def test_ctrl_c_while_it_is_sent_leaves_nothing_half_made(api: FakeApi, project: Path) -> None:
    arrived, released = threading.Event(), threading.Event()

    def stall(_: Seen) -> Answer:
        arrived.set()
        released.wait(30)
        return Answer(canned.DEPLOYMENT)

    api.on("POST", "/deployments/", stall)
    child = subprocess.Popen(
        [Path(sys.executable).with_name("headrace"), *LINE, "--create-pool", "--save"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert arrived.wait(30), child.communicate(timeout=30)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
    finally:
        released.set()
    assert (child.returncode, "Stopped before the deployment was made" in said) == (130, True), said
    assert api.changes()[-1] == "DELETE /work_pools/my-process-pool"
    assert not (project / "headrace.yaml").exists()


def test_a_deployment_that_arrived_after_ctrl_c_is_taken_back(api: FakeApi) -> None:
    with Api(Transport(api.url, None)) as client, pytest.raises(CliError), undoing(client) as undo:
        undo.makes("hello/first")
        raise KeyboardInterrupt
    assert api.changes() == [f"DELETE /deployments/{canned.DEPLOYMENT_ID}"]
    api.seen.clear()
    with Api(Transport(api.url, None)) as client, pytest.raises(Invalid), undoing(client) as undo:
        undo.makes("hello/first")
        raise Invalid(422, "invalid", "no")
    assert api.changes() == [], "whoever made it, it was not this deploy"


def test_a_pool_that_was_there_stays(cli: Cli, api: FakeApi) -> None:
    api.on("POST", "/deployments/", error(422, "invalid", "no"))

    assert cli(*LINE, "--create-pool").code == 1
    assert not any(change.startswith("DELETE") for change in api.changes())


def test_once_it_is_made_it_stays_in_the_project_file(cli: Cli, api: FakeApi) -> None:
    path = "/work_pools/my-process-pool/workers/filter"
    api.on("POST", path, error(403, "forbidden", "Not for this key."))

    result = cli(*LINE, "--save")

    assert result.code == 0, result.err
    assert "Not for this key." in result.err and "deployment run hello/first" in result.out
    assert read_file(Path("headrace.yaml")).project.deployments[0].name == "first"


def test_a_command_needs_no_flow(cli: Cli, api: FakeApi, project: Path) -> None:
    line = ("deploy", "--command", "sh -c 'exit 3'", "-p", "my-process-pool", "-n", "first")

    shown = canned.DEPLOYMENT | {"entrypoint": None, "job_variables": {"command": "sh -c 'exit 3'"}}
    api.on("POST", "/deployments/", Answer(shown))
    out = cli(*line, "--flow", "shell", "--job-variable", "nice=3", "--save").out

    assert "It runs `sh -c 'exit 3'` from the folder " in out and " on this machine (" in out
    assert sent(api, "/flows/")["name"] == "shell"
    body = sent(api, "/deployments/")
    assert body["job_variables"] == {"command": "sh -c 'exit 3'", "nice": 3}
    assert "entrypoint" not in body and body["enforce_parameter_schema"] is True
    (entry,) = read_file(project / "headrace.yaml").project.deployments
    assert (entry.command, entry.flow_name, entry.entrypoint) == ("sh -c 'exit 3'", "shell", None)
    saved = (project / "headrace.yaml").read_text()
    assert cli(*line, "--flow", "shell", "--job-variable", "nice=3", "--save").code == 0
    assert (project / "headrace.yaml").read_text() == saved
    api.seen.clear()
    assert cli(*line).code == 0
    assert sent(api, "/flows/")["name"] == "first"
    variables = {"command": "sh -c 'exit 3'", "nice": 3}
    answers = Answers(
        None, "n", "my-process-pool", facts_of_command("shell"), members={"job_variables": variables}
    )
    api.seen.clear()
    assert cli(*shlex.split(answers.command_line())[1:]).code == 0
    assert (sent(api, "/flows/")["name"], sent(api, "/deployments/")["job_variables"]) == ("shell", variables)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("flows.py:hello --flow x", "--flow names the flow of a --command"),
        ("--flow x", "--flow names the flow of a --command"),
        ("--command x --job-variable command=y", "given twice"),
        ("--command x --all", "--command contradict each other"),
        ("--command x --param a=1", "A command gets no parameters.\nGive it what"),
    ],
)
def test_wrong_words_about_a_command(cli: Cli, api: FakeApi, words: str, said: str) -> None:
    result = cli("deploy", "-n", "first", "-p", "my-process-pool", *words.split())

    assert (result.code, api.changes()) == (2, [])
    assert said in result.err


def test_a_pool_without_a_worker_is_remarked(cli: Cli, api: FakeApi) -> None:
    api.on("GET", "/work_pools/my-process-pool", Answer(canned.POOL | {"status": "NOT_READY"}))

    result = cli(*LINE)

    assert "Warning: no worker serves work pool 'my-process-pool' now" in result.err
    assert "Warning" not in result.out


def test_saved_it_is_the_same(cli: Cli, api: FakeApi, project: Path) -> None:
    cli(*LINE, "--save", "--cron", "@daily", "--param", "x=3", "--tag", "a")

    (entry,) = read_file(project / "headrace.yaml").project.deployments
    assert (entry.name, entry.entrypoint, entry.parameters, entry.tags) == (
        "first",
        "flows.py:hello",
        {"x": 3},
        ["a"],
    )
    assert entry.schedules and entry.schedules[0].cron == "@daily"
    assert sent(api, "/deployments/")["labels"] == {"headrace.project": "project"}
    assert (project / "headrace.schema.json").exists()


def test_saved_schedules_are_written_as_one_would(cli: Cli, api: FakeApi, project: Path) -> None:
    cases = {"--interval 15m": "interval: 900\n", "--no-schedule": "schedules: []\n"}
    for words, line in cases.items():
        assert cli(*LINE, "--save", *words.split()).code == 0
        assert line in (project / "headrace.yaml").read_text()
    assert api.sent("POST")[-1].body["schedules"] == []


def test_unseen_the_name_is_read_and_nothing_is_checked(cli: Cli, api: FakeApi) -> None:
    Path("flows.py").write_text(
        "import nowhere\nfrom headrace import flow\n@flow(name='hi')\ndef hello(): 'Greets.'\n"
    )

    assert "--no-check" in cli(*LINE).err
    assert cli(*LINE, "--no-check").code == 0
    assert sent(api, "/flows/")["name"] == "hi"
    body = sent(api, "/deployments/")
    assert (body["description"], body["enforce_parameter_schema"]) == ("Greets.", False)


def test_a_password_of_the_clone_is_never_sent(cli: Cli, api: FakeApi, project: Path) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "."],
        [*identity, "commit", "-q", "-m", "a"],
        ["remote", "add", "origin", "https://me:hunter2@git.example/x.git"],
    ):
        subprocess.run(["git", "-C", project, *words], check=True)

    result = cli(*LINE, "--source", "git", "--save")

    assert result.code == 0
    assert "is not pushed to origin" in result.err
    assert "hunter2" not in str(api.seen) + result.out + result.err + (project / "headrace.yaml").read_text()


def test_the_command_line_says_it_all(cli: Cli, api: FakeApi, project: Path) -> None:
    answers = Answers(
        "flows.py:hello",
        "first one",
        "my-process-pool",
        facts_of("flows.py:hello", project, check=False),
        times={"interval": 5400.0},
        parameters={"a": "7", "b": 7, "c": "it's", "d": [1, "x"], "e": None},
        source=SourceKind.GIT,
        git={
            "repository": "https://git.example/x",
            "branch": "m",
            "track": "branch",
            "credentials": {"env": "A"},
        },
        tags=["t 1"],
        members={
            "work_queue_name": "q",
            "paused": True,
            "concurrency_limit": 2,
            "job_variables": {"nice": 5},
        },
        check=False,
    )
    assert cli(*shlex.split(answers.command_line())[1:]).code == 0
    body = sent(api, "/deployments/")
    assert body["parameters"] == answers.parameters
    assert body["pull_steps"] == answers.pull()
    assert (body["tags"], body["name"], body["work_queue_name"]) == (["t 1"], "first one", "q")
    assert body["schedules"][0]["schedule"] == {"interval": 5400.0}
    assert (body["paused"], body["concurrency_limit"], body["job_variables"]) == (True, 2, {"nice": 5})


SCHEMA: dict[str, Any] = {
    "properties": {
        "zip": {"type": "string"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "rows": {"type": "integer"},
        "any": {},
        "password": {"x-secret": True, "type": "object"},
    }
}
TEXTS = (
    st.sampled_from(["8001", "true", "null", "1e3", "[1]", '"q"', "it's", "", " a ", "a=b", "env:DB"])
    | st.text()
)
VALUES = {
    "zip": TEXTS,
    "note": TEXTS | st.none(),
    "rows": st.integers(),
    "any": TEXTS | st.none() | st.booleans() | st.lists(TEXTS, max_size=2),
    "password": st.sampled_from([{"$secret": "env:DB"}, {"$secret": "ssm:/a/b"}, None]),
    "unknown": TEXTS,
}


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_parameters_are_read_back_as_they_were(parameters: dict[str, Any]) -> None:
    words = _parameter_words(parameters, SCHEMA)
    options = list(zip(words[::2], words[1::2], strict=True))
    whole = next((text for option, text in options if option == "--params"), None)
    pairs = [text for option, text in options if option == "--param"]
    assert merge_parameters(whole, pairs, SCHEMA) == parameters


def test_parameters_are_written_as_one_would_type_them() -> None:
    given_ = {"zip": "8001", "rows": 3, "password": {"$secret": "env:DB"}, "any": "8001"}
    assert _parameter_words(given_, SCHEMA) == [
        *("--param", "zip=8001", "--param", "rows=3"),
        *("--param", "password=env:DB", "--param", 'any="8001"'),
    ]


SECRET_FLOW = """
from headrace import Secret, flow

@flow
def hello(password: Secret, spare: list[Secret] | None = None): ...
"""


@pytest.mark.parametrize(
    "words",
    [
        ("--param", "password=hunter2-secret"),
        ("--params", '{"password": "hunter2-secret"}'),
        ("--params", '{"spare": [{"$secret": "env:A"}, "hunter2-secret"]}'),
        ("--job-variable", 'env={"A": {"$secret": "hunter2-secret"}}'),
    ],
)
@pytest.mark.parametrize("source", ["bundle", "local"])
def test_a_plain_secret_is_refused_before_anything_is_written_or_sent(
    cli: Cli, api: FakeApi, words: tuple[str, str], source: str
) -> None:
    Path("flows.py").write_text(SECRET_FLOW)

    result = cli(*LINE, "--save", "--source", source, *words)

    assert (result.code, api.changes()) == (2, [])
    assert "must be a reference to a secret" in result.err and "env:NAME" in result.err
    assert "hunter2" not in result.err + result.out
    assert not Path("headrace.yaml").exists()


@pytest.mark.parametrize(
    "place",
    ["parameters: {password: hunter2}", "schedules: [{cron: '@daily', parameters: {password: hunter2}}]"],
)
def test_a_plain_secret_in_the_project_file_is_not_uploaded(cli: Cli, api: FakeApi, place: str) -> None:
    Path("flows.py").write_text(SECRET_FLOW)
    Path("headrace.yaml").write_text(
        "name: p\npull: [{pull_bundle: {}}]\ndeployments:\n  - name: a\n    entrypoint: flows.py:hello\n"
        f"    work_pool: {{name: my-process-pool}}\n    {place}\n"
    )

    result = cli("deploy", "--all")

    assert (result.code, api.changes()) == (2, [])
    assert "must be a reference to a secret" in result.err and "hunter2" not in result.err
