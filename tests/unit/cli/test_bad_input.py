"""Ten bad inputs or more per group: exit code, a line or two on stderr, no traceback, nothing sent."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.unit.cli.canned import RUN_ID
from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import FakeApi

LONG = "x" * 201
D = "hello/first"

WORK_POOL = [
    ("work-pool", "headrace work-pool"),
    ("work-pool crate p", "No such command 'crate'"),
    ("work-pool create", "Missing argument"),
    ("work-pool create a/b", "name: "),
    ("work-pool create ''", "name: "),
    (f"work-pool create {LONG}", "at most 200 characters"),
    ("work-pool create p --concurrency-limit -1", "--concurrency-limit"),
    ("work-pool create p --concurrency-limit many", "--concurrency-limit"),
    ("work-pool create p --concurrency-limit 5001", "--concurrency-limit"),
    ("work-pool create p --type ''", "type: "),
    ("work-pool create p --base-job-template nowhere.json", "cannot read nowhere.json"),
    ("work-pool create p --base-job-template broken.json", "is not JSON (line 1"),
    ("work-pool create p --base-job-template list.json", "must be a JSON object, not a list"),
    ("work-pool create p q", "unexpected extra argument"),
    ("work-pool ls --outptu json", "--outptu"),
    ("work-pool ls -o yaml", "yaml"),
    ("work-pool update p", "nothing to change"),
    ("work-pool update p --concurrency-limit 2 --no-concurrency-limit", "contradict each other"),
    ("work-pool delete p --cancel-runs --move-to q", "contradict each other"),
    ("work-pool get-default-base-job-template --type kubernetes", "no work pool type 'kubernetes'"),
]
WORK_QUEUE = [
    ("work-queue", "headrace work-queue"),
    ("work-queue create q", "--pool"),
    ("work-queue create --pool p", "Missing argument"),
    ("work-queue create a/b --pool p", "name: "),
    ("work-queue create q --pool p --priority 0", "--priority"),
    ("work-queue create q --pool p --priority high", "--priority"),
    ("work-queue create q --pool p --limit -2", "--limit"),
    ("work-queue create q --pool p --limit 1.5", "--limit"),
    ("work-queue update default", "nothing to change"),
    ("work-queue update default --limit 1 --no-concurrency-limit", "contradict each other"),
    ("work-queue delete default --cancel-runs --move-to other", "contradict each other"),
    ("work-queue pause", "Missing argument"),
    ("work-queue ls --pool", "--pool"),
    ("work-queue inspect default -o xml", "xml"),
]
WORKER = [
    ("worker", "headrace worker"),
    ("worker start", "--pool"),
    ("worker start --pool", "--pool"),
    ("worker start --pool ''", "is not a name"),
    ("worker start --pool a/b", "is not a name"),
    ("worker start --pool p --limit 0", "--limit"),
    ("worker start --pool p --limit -1", "--limit"),
    ("worker start --pool p --limit lots", "--limit"),
    ("worker start --pool p --type kubernetes", "no worker type 'kubernetes'"),
    ("worker start --pool p --on-disconnect wait", "wait"),
    ("worker start --pool p --start-method fork", "fork"),
    ("worker start --pool p --start-method", "--start-method"),
    ("worker start --pool p --work-queue ''", "is not a name"),
    ("worker start --pool p --name a/b", "is not a name"),
    ("worker start --pool p extra", "unexpected extra argument"),
    ("worker ls --state x", "--state"),
]
SERVER = [
    ("server", "headrace server"),
    ("server stop", "No such command"),
    ("run x/y", "Did you mean: headrace deployment run"),
    ("backfill x/y", "Did you mean: headrace deployment backfill"),
    ("retry x", "Did you mean: headrace flow-run retry"),
    ("server start now", "unexpected extra argument"),
    ("server start --port", "--port"),
    ("server start --port -1", "--port"),
    ("server start --port 65536", "--port"),
    ("server start --port http", "--port"),
    ("server start --host", "--host"),
    ("server start --data-dir", "--data-dir"),
    ("server start --workers 2", "--workers"),
    ("server start --fsync=yes", "--fsync"),
]
DEPLOY = [
    ("deploy", "Missing ENTRYPOINT and --name and --pool"),
    ("deploy flows.py:hello -p p", "--name"),
    ("deploy flows.py:hello -n n", "--pool"),
    ("deploy flows.py -n n -p p", "is not an entrypoint"),
    ("deploy :hello -n n -p p", "is not an entrypoint"),
    ("deploy flows.py:he-llo -n n -p p", "is not an entrypoint"),
    ("deploy nowhere.py:hello -n n -p p", "There is no file nowhere.py"),
    ("deploy flows.py:hello -n a/b -p p", "name: "),
    ("deploy flows.py:hello -n 'etl-*' -p p", "'etl-*' is a pattern"),
    ("deploy flows.py:hello --command 'ls /' -n n -p p", "only one of them can run"),
    ('deploy --command "sh \'x" -n n -p p', "No closing quotation"),
    (
        'deploy flows.py:hello -n n -p p --job-variable \'env={"DB_PASSWORD": "hunter2"}\'',
        "job_variables.env.DB_PASSWORD is a secret by its name",
    ),
    ("deploy flows.py:hello -n n -p ''", "work_pool_name: "),
    ("deploy flows.py:hello -n n -p p --param x", "not of the form key=value"),
    ("deploy flows.py:hello -n n -p p --param =1", "not of the form key=value"),
    ("deploy flows.py:hello -n n -p p --param x=1 --param x=2", "given twice"),
    ("deploy flows.py:hello -n n -p p --params '{'", "--params is not JSON (line 1"),
    ("deploy flows.py:hello -n n -p p --params '[1]'", "must be a JSON object, not a list"),
    ("deploy flows.py:hello -n n -p p --params 7", "must be a JSON object, not a number"),
    ("deploy flows.py:hello -n n -p p --params NaN", "--params is not JSON"),
    ("deploy flows.py:hello -n n -p p --tag ''", "tags.0: "),
    ("deploy flows.py:hello -n n -p p --job-variable env", "not of the form key=value"),
    ("deploy flows.py:hello -n n -p p --cron '* * * * *' --interval 5m", "contradict each other"),
    ("deploy flows.py:hello -n n -p p --interval soon", "'soon' is not a duration"),
    ("deploy flows.py:hello -n n -p p --interval 0.5s", "shorter than a second"),
    ("deploy flows.py:hello -n n -p p --timezone Europe/Berlin", "says nothing without a schedule"),
    ("deploy flows.py:hello -n n -p p --cron ''", "cron: "),
    ("deploy flows.py:hello -n n -p p --collision-strategy CANCEL_NEW", "nothing without a limit"),
    ("deploy flows.py:hello -n n -p p --concurrency-limit 1 --collision-strategy QUEUE", "QUEUE"),
]
DEPLOYMENT = [
    ("deployment", "headrace deployment"),
    ("deployment run", "Missing argument"),
    ("deployment run first", "neither a deployment's id nor"),
    ("deployment run a/b/c", "neither a deployment's id nor"),
    ("deployment run /first", "neither a deployment's id nor"),
    ("deployment run hello/", "neither a deployment's id nor"),
    (f"deployment run {D} --param x", "not of the form key=value"),
    (f"deployment run {D} --params @/nope/p.json", "--params: cannot read /nope/p.json: No such file"),
    (f"deployment run {D} --params nope", "--params is not JSON"),
    (f"deployment run {D} --params '\"text\"'", "must be a JSON object, not a string"),
    (f"deployment run {D} --start-in soon", "--start-in: 'soon' is not a duration"),
    (f"deployment run {D} --start-in 5m3h", "--start-in: '5m3h' is not a duration"),
    (f"deployment run {D} --start-in 99999w", "longer than ten years"),
    (f"deployment run {D} --start-at tomorrow", "--start-at: 'tomorrow' is not a time"),
    (f"deployment run {D} --start-at 2026-02-30", "--start-at: '2026-02-30' is not a time"),
    (f"deployment run {D} --start-at 2026-03-01 --start-in 5m", "contradict each other"),
    (f"deployment run {D} --idempotency-key ''", "idempotency_key: "),
    (f"deployment run {D} --name a/b", "name: "),
    (f"deployment run {D} --job-variable x", "not of the form key=value"),
    ("deployment inspect nothing", "neither a deployment's id nor"),
    ("deployment pause nothing", "neither a deployment's id nor"),
    ("deployment delete nothing", "neither a deployment's id nor"),
    ("deployment ls --flow", "--flow"),
]
SCHEDULE = [
    ("deployment schedule", "headrace deployment schedule"),
    ("deployment schedule create", "Missing argument"),
    (f"deployment schedule create {D}", "says no times"),
    ("deployment schedule create x --cron @daily", "neither a deployment's id nor"),
    (f"deployment schedule create {D} --cron @daily --rrule FREQ=DAILY", "contradict each other"),
    (f"deployment schedule create {D} --interval -5m", "is not a duration"),
    (f"deployment schedule create {D} --interval 5m --anchor noon", "'noon' is not a time"),
    (f"deployment schedule create {D} --cron @daily --anchor 2026-01-01", "--anchor belongs to --interval"),
    (f"deployment schedule create {D} --cron @daily --slug 'a b'", "slug: "),
    (f"deployment schedule create {D} --cron @daily --jitter 2h", "jitter: "),
    (f"deployment schedule create {D} --cron @daily --max-lateness 0s", "max_lateness: "),
    (f"deployment schedule create {D} --cron @daily --catchup some", "some"),
    (f"deployment schedule create {D} --cron @daily --overlap kill", "kill"),
    (f"deployment schedule create {D} --cron @daily --dst third", "third"),
    (f"deployment schedule create {D} --cron @daily --param x", "not of the form key=value"),
    (f"deployment schedule pause {D}", "Missing argument"),
    (f"deployment schedule preview {D} --from 2026-02-02 --to 2026-02-01", "ends before it begins"),
    (f"deployment schedule preview {D} --limit 0", "--limit"),
    (f"deployment schedule verify {D} --from then", "'then' is not a time"),
]
FLOW_RUN = [
    ("flow-run", "headrace flow-run"),
    ("flow-run ls --state sleeping", "no state 'sleeping'"),
    ("flow-run ls --state Late --state RUNNING", "refines a type"),
    ("flow-run ls --limit 0", "--limit"),
    ("flow-run ls --limit all", "--limit"),
    ("flow-run ls --deployment first", "neither a deployment's id nor"),
    ("flow-run ls --flow-name ''", "--flow-name is empty"),
    ("flow-run inspect", "Missing argument"),
    ("flow-run inspect 12", "'12' is not a flow run's id"),
    ("flow-run logs braver-otter", "is not a flow run's id"),
    ("flow-run watch x", "is not a flow run's id"),
    ("flow-run why x", "is not a flow run's id"),
    ("flow-run retry x", "is not a flow run's id"),
    ("flow-run cancel", "one of the two"),
    ("flow-run cancel --queue q", "Say which pool: --pool NAME"),
    (f"flow-run cancel {RUN_ID} --state RUNNING", "one of the two"),
    (f"flow-run cancel {RUN_ID} nonsense", "is not a flow run's id"),
    (f"flow-run delete {RUN_ID} nonsense", "is not a flow run's id"),
    ("flow-run delete", "Missing argument"),
]
FLOW = [
    ("flow", "headrace flow"),
    ("flow list", "No such command 'list'"),
    ("flow ls extra", "unexpected extra argument"),
    ("flow ls -o csv", "csv"),
    ("flow ls -o", "-o"),
    ("flow ls --json", "--json"),
    ("flow ls --limit 3", "--limit"),
    ("flow -x", "-x"),
    ("flow inspect", "No such command"),
    ("flow ''", "No such command"),
]
CONCURRENCY_LIMIT = [
    ("concurrency-limit", "headrace concurrency-limit"),
    ("concurrency-limit create", "Missing argument"),
    ("concurrency-limit create db", "Missing argument"),
    ("concurrency-limit create db few", "limit"),
    ("concurrency-limit create db -- -1", "limit"),
    ("concurrency-limit create db 5001", "limit"),
    ("concurrency-limit create '' 1", "is not a tag"),
    (f"concurrency-limit create {'x' * 101} 1", "is not a tag"),
    ("concurrency-limit update", "Missing argument"),
    ("concurrency-limit update db", "Missing argument"),
    ("concurrency-limit update db few", "limit"),
    ("concurrency-limit update db -- -1", "limit"),
    ("concurrency-limit update '' 1", "is not a tag"),
    ("concurrency-limit inspect", "Missing argument"),
    ("concurrency-limit inspect ' '", "is not a tag"),
    ("concurrency-limit delete", "Missing argument"),
    ("concurrency-limit delete ''", "is not a tag"),
]
VARIABLE = [
    ("variable", "headrace variable"),
    ("variable set", "Missing argument"),
    ("variable set rows", "Missing argument"),
    ("variable set Rows 1", "name"),
    ("variable set 'my rows' 1", "name"),
    ("variable set a/b 1", "name"),
    ("variable set '' 1", "name"),
    (f"variable set {'x' * 256} 1", "name"),
    (f"variable set rows {'x' * 5000}", "value"),
    ("variable set rows 1 2", "unexpected"),
    ("variable set rows 1 --tag ''", "tags"),
    ("variable get", "Missing argument"),
    ("variable get rows more", "unexpected"),
    ("variable unset", "Missing argument"),
    ("variable unset rows more", "unexpected"),
    ("variable ls rows", "unexpected"),
]
PROFILE = [
    ("profile", "headrace profile"),
    ("profile create p", "--api-url"),
    ("profile create", "Missing argument"),
    ("profile create p --api-url", "--api-url"),
    ("profile create p --api-url localhost:4200", "--api-url"),
    ("profile create p --api-url ftp://h/api", "--api-url"),
    ("profile create '' --api-url http://h/api", "is not a name"),
    ("profile create ' p' --api-url http://h/api", "is not a name"),
    (f"profile create {'p' * 101} --api-url http://h/api", "is not a name"),
    ("profile use", "Missing argument"),
    ("profile delete", "Missing argument"),
    ("profile ls extra", "unexpected extra argument"),
]
VERSION = [
    ("version extra", "unexpected extra argument"),
    ("version -o text", "text"),
    ("version --verbose", "--verbose"),
    ("--verbose", "--verbose"),
    ("verison", "No such command 'verison'"),
    ("", "headrace"),
]
GROUPS = [
    WORK_POOL, WORK_QUEUE, WORKER, SERVER, DEPLOY, DEPLOYMENT, SCHEDULE, FLOW_RUN, FLOW, CONCURRENCY_LIMIT,
    VARIABLE, PROFILE, VERSION,
]  # fmt: skip
CASES = [case for group in GROUPS for case in group]


@pytest.mark.parametrize(("line", "said"), CASES, ids=[line or "(nothing)" for line, _ in CASES])
def test_wrongly_typed(
    cli: Cli, api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.json").write_text("{", encoding="utf-8")
    Path("list.json").write_text("[]", encoding="utf-8")
    Path("flows.py").write_text("raise AssertionError('loaded')", encoding="utf-8")

    result = cli(*shlex.split(line))

    assert said in result.err
    assert (result.code, result.out) == (2, "")
    assert "Traceback" not in result.err
    assert len(result.err.splitlines()) <= 2 or result.err.startswith("Usage:")
    assert api.changes() == []
    assert not (tmp_path / "home").exists()
