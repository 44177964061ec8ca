"""Coming from elsewhere: a realistic prefect.yaml and a crontab, and the notes on what has no counterpart."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from headrace.prefect_words import GUIDE
from headrace.project.crontab_file import FLOW, FLOW_FILE, from_crontab
from headrace.project.discovery import find_flows
from headrace.project.errors import FileProblems
from headrace.project.prefect_file import Imported, from_prefect
from headrace.project.read import read_file
from headrace.project.sources import GIT, PREFIX
from headrace.project.write import to_yaml
from headrace.project.yamlfile import parse_yaml

PREFECT = """\
name: shop
prefect-version: 3.4.0

build:
  - prefect_docker.deployments.steps.build_docker_image:
      id: image
      requires: prefect-docker>=0.3
      image_name: shop/etl
  - prefect.deployments.steps.run_shell_script:
      id: stamp
      script: echo built
push: null
pull:
  - prefect.deployments.steps.git_clone:
      repository: https://git.example/shop.git
      branch: main
      access_token: "{{ prefect.blocks.secret.git-token }}"
      include_submodules: true
      directories: [flows]
      depth: 1
  - prefect.deployments.steps.run_shell_script:
      id: where
      script: pwd
      expand_env_vars: true
      env: {TOKEN: "{{ prefect.blocks.secret.index }}"}
  - prefect.deployments.steps.set_working_directory:
      directory: "{{ where.stdout }}/flows"
  - prefect.deployments.steps.pip_install_requirements:
      directory: "{{ clone-step.directory }}"
      requirements_file: requirements.txt

definitions:
  pool: &pool
    name: k8s
    work_queue_name: fast
    job_variables:
      image: "{{ image.image }}"
      env: {STAGE: "{{ $STAGE }}", DB: "{{ prefect.blocks.secret.db }}"}

deployments:
  - name: nightly
    version: 1.2
    tags: [etl, "{{ prefect.variables.team }}"]
    description: Load it all
    entrypoint: flows/load.py:load
    parameters: {rows: 10, password: "{{ prefect.blocks.secret.login }}"}
    work_pool: *pool
    schedules:
      - cron: "0 4 * * *"
        timezone: Europe/Berlin
        day_or: true
        active: true
      - interval: 3600
        anchor_date: "2026-01-01T00:00:00Z"
        slug: hourly
    concurrency_limit:
      limit: 2
      collision_strategy: CANCEL_NEW
    triggers:
      - enabled: true
        match: {prefect.resource.id: x}
  - name: weekly
    entrypoint: flows/report.py:report
    work_pool: {name: vm}
    schedule:
      rrule: FREQ=WEEKLY;BYDAY=MO
  - name: null
    entrypoint: null
"""
SECRETS = """\
name: shop
pull:
  - prefect.deployments.steps.git_clone:
      repository: https://me:ghp_hunter2@git.example/shop.git
  - prefect.deployments.steps.git_clone:
      repository: https://{{ $CLONE_KEY }}@git.example/other.git
  - prefect.deployments.steps.run_shell_script:
      script: curl {{ $API_TOKEN }}
build:
  - prefect.deployments.steps.run_shell_script:
      script: echo
      env: {T: "{{ $API_TOKEN }}"}
deployments:
  - name: a
    entrypoint: a.py:b
    labels: {team: mill}
    concurrency_limit:
      limit: 2
      grace_period_seconds: 30
      other: 1
    parameters:
      login: "{{ prefect.blocks.secret.login }}"
    work_pool:
      name: p
      job_variables:
        env:
          LOGIN: "{{ prefect.blocks.secret.login }}"
          DB_URL: "postgres://u:{{ prefect.blocks.secret.db }}@h/db"
          API_TOKEN: "{{ $API_TOKEN }}"
"""
CRONTAB = """\
# m h dom mon dow command
SHELL=/bin/sh
MAILTO=ops@example.com
GREETING="good morning"

*/15 * * * * /opt/etl/load.sh --all >> /var/log/load.log 2>&1
@daily cd /srv && python3 report.py
@reboot /opt/start.sh
CRON_TZ=Europe/Berlin
0 4 * * mon-fri mail -s "100\\% done" x%hello%{{ you }}
0 5 * * * /opt/etl/load.sh
not a line
"""


def written(folder: Path, imported: Imported) -> Path:
    path = folder / "headrace.yaml"
    path.write_text(to_yaml(imported.data), encoding="utf-8")
    return path


def test_a_prefect_file(tmp_path: Path) -> None:
    imported = from_prefect(parse_yaml(PREFECT, "prefect.yaml"))
    path = written(tmp_path, _without_templates(imported))
    project = read_file(path, None, {"STAGE": "prod"}, {"team": "mill"}.__getitem__).project
    nightly, weekly = project.deployments
    assert (project.name, nightly.name, nightly.version, nightly.description) == (
        "shop",
        "nightly",
        "1.2",
        "Load it all",
    )
    assert nightly.tags == ["etl", "mill"]
    assert nightly.work_pool.job_variables["env"] == {
        "STAGE": "prod",
        "DB": {"$secret": "env:PREFECT_BLOCKS_SECRET_DB"},
    }
    assert nightly.parameters["password"] == {"$secret": "env:PREFECT_BLOCKS_SECRET_LOGIN"}
    assert nightly.schedules and weekly.schedules
    daily, hourly = nightly.schedules
    assert (daily.cron, daily.timezone) == ("0 4 * * *", "Europe/Berlin")
    assert (hourly.interval, hourly.slug, hourly.anchor_date) == (3600, "hourly", "2026-01-01T00:00:00Z")
    assert weekly.schedules[0].rrule == "FREQ=WEEKLY;BYDAY=MO"
    assert nightly.concurrency_limit == 2 and nightly.concurrency_options
    assert nightly.concurrency_options.collision_strategy == "CANCEL_NEW"
    assert nightly.pull and nightly.pull[0] == {
        GIT: {
            "repository": "https://git.example/shop.git",
            "branch": "main",
            "include_submodules": True,
            "directories": ["flows"],
            "credentials": {"env": "PREFECT_BLOCKS_SECRET_GIT_TOKEN"},
        }
    }
    assert nightly.pull[1:3] == [
        {
            PREFIX + "run_shell_script": {
                "id": "where",
                "script": "pwd",
                "env": {"TOKEN": {"$secret": "env:PREFECT_BLOCKS_SECRET_INDEX"}},
            }
        },
        {PREFIX + "set_working_directory": {"directory": "{{ where.stdout }}/flows"}},
    ]
    assert nightly.build == [{PREFIX + "run_shell_script": {"script": "echo built"}}]


def _without_templates(imported: Imported) -> Imported:
    """As a user would after reading the notes: the outputs of steps are written out."""
    text = (
        yaml.safe_dump(imported.data)
        .replace("{{ image.image }}", "shop/etl")
        .replace("{{ clone-step.directory }}", ".")
    )
    return Imported(yaml.safe_load(text))


def test_each_loss_is_told_with_its_line() -> None:
    imported = from_prefect(parse_yaml(PREFECT, "prefect.yaml"))
    told = {(note.line, note.place.rpartition(".")[2]) for note in imported.notes}
    lines = PREFECT.splitlines()
    wanted = {
        "build_docker_image": "build_docker_image",
        "access_token": "access_token",
        "depth: 1": "depth",
        "expand_env_vars": "expand_env_vars",
        "blocks.secret.db": "db",
        "blocks.secret.login": "login",
        "triggers": "triggers",
        "{{ image.image": "image",
        "variables.team": "team",
        "- name: null": "2",
        "secret.git-token": "access_token",
        "{{ clone-step": "directory",
    }
    for text, place in wanted.items():
        line = next(number for number, each in enumerate(lines, 1) if text in each)
        assert (line, place) in told, (text, line, place, sorted(told))
    assert not [note for note in imported.notes if "where.stdout" in note.place]


def test_a_secret_within_a_text_is_not_stored_by_the_next_deploy(tmp_path: Path) -> None:
    text = PREFECT.replace("description: Load it all", 'description: "see {{ prefect.blocks.secret.db }}"')
    path = written(tmp_path, _without_templates(from_prefect(parse_yaml(text, "prefect.yaml"))))
    environment = {"STAGE": "prod", "PREFECT_BLOCKS_SECRET_DB": "hunter2"}
    with pytest.raises(FileProblems, match="stored and shown"):
        read_file(path, None, environment, {"team": "mill"}.__getitem__)


def test_secrets_become_references_that_a_deploy_takes(tmp_path: Path) -> None:
    text = SECRETS.replace("curl {{ $API_TOKEN }}", "true")
    path = written(tmp_path, from_prefect(parse_yaml(text, "prefect.yaml")))
    (entry,) = read_file(path, None, {"API_TOKEN": "hunter2"}).project.deployments
    assert entry.work_pool.job_variables["env"] == {
        "LOGIN": {"$secret": "env:PREFECT_BLOCKS_SECRET_LOGIN"},
        "DB_URL": {"$secret": "env:DB_URL"},
        "API_TOKEN": {"$secret": "env:API_TOKEN"},
    }
    assert entry.labels == {"team": "mill"}
    assert (entry.concurrency_limit, entry.concurrency_options) == (2, None)
    clones = [step[GIT] for step in entry.pull or [] if GIT in step]
    assert clones == [
        {"repository": "https://git.example/shop.git", "credentials": {"env": "GIT_TOKEN"}},
        {"repository": "https://git.example/other.git", "credentials": {"env": "CLONE_KEY"}},
    ]
    assert "hunter2" not in path.read_text()


def test_each_secret_is_noted_once_where_it_stands() -> None:
    closing, *notes = from_prefect(parse_yaml(SECRETS, "prefect.yaml")).notes
    wanted = (
        "ghp_",
        "CLONE_KEY",
        "curl",
        "grace_period_seconds: 30",
        "other: 1",
        "login: ",
        "LOGIN: ",
        "DB_URL: ",
        "          API_TOKEN: ",
    )
    lines = SECRETS.splitlines()
    at = [next(n for n, line in enumerate(lines, 1) if text in line) for text in wanted]
    assert [note.line for note in notes] == at, "and none for the build step, which runs here"
    told = {text: note.message for text, note in zip(wanted, notes, strict=True)}
    assert "keeps its slot" in told["grace_period_seconds: 30"]
    assert "typed `Secret`" in told["login: "] and "typed" not in told["LOGIN: "]
    assert "set DB_URL" in told["DB_URL: "] and "cannot stand in this text" in told["curl"]
    assert "import `flow`" in closing.message and GUIDE in closing.message


def test_a_crontab(tmp_path: Path) -> None:
    imported = from_crontab(CRONTAB, "ops")
    (tmp_path / FLOW_FILE).write_text(FLOW)
    project = read_file(written(tmp_path, imported), None, {}).project
    load, report, mail, again = project.deployments
    assert [each.name for each in project.deployments] == ["load.sh", "report.py", "mail", "load.sh-2"]
    assert load.schedules and report.schedules and mail.schedules
    assert load.schedules[0].cron == "*/15 * * * *"
    assert load.parameters["command"] == "/opt/etl/load.sh --all >> /var/log/load.log 2>&1"
    assert load.parameters["environment"] == {"SHELL": "/bin/sh", "GREETING": "good morning"}
    assert (report.schedules[0].cron, report.schedules[0].timezone) == ("@daily", None)
    assert (mail.schedules[0].cron, mail.schedules[0].timezone) == ("0 4 * * mon-fri", "Europe/Berlin")
    assert mail.parameters["command"] == 'mail -s "100% done" x'
    assert mail.parameters["stdin"] == "hello\n{{ you }}\n"
    assert [flow.name for flow in find_flows(tmp_path).flows] == ["run-command"]
    assert again.entrypoint == f"{FLOW_FILE}:run_command"


def test_the_crontabs_losses_are_told_with_their_lines() -> None:
    notes = {note.line: note.message for note in from_crontab(CRONTAB, "ops").notes}
    assert "nobody is mailed" in notes[3]
    assert "zone" in notes[6] and "zone" in notes[7] and 10 not in notes
    assert "left out" in notes[8] and "left out" in notes[12]


def test_the_systems_crontab_names_users() -> None:
    imported = from_crontab("17 * * * * root cd / && run-parts /etc/cron.hourly\n", "ops")
    (entry,) = imported.data["deployments"]
    assert (entry["name"], entry["parameters"]["command"]) == (
        "run-parts",
        "cd / && run-parts /etc/cron.hourly",
    )
    assert (1, "root") in {(note.line, note.place) for note in imported.notes}
    user = next(each.pw_name for each in pwd.getpwall() if each.pw_name != "root")
    both = from_crontab(f"1 * * * * {user} /opt/a.sh\n2 * * * * root /opt/b.sh\n", "ops")
    assert [each["name"] for each in both.data["deployments"]] == ["a.sh", "b.sh"]
    unknown = from_crontab("1 * * * * nobody-here /opt/a.sh\n2 * * * * root /opt/b.sh\n", "ops")
    assert [each["parameters"]["command"] for each in unknown.data["deployments"]] == [
        "/opt/a.sh",
        "/opt/b.sh",
    ]
    doubtful = from_crontab(f"1 * * * * {user} /opt/a.sh\n2 * * * * /opt/b.sh\n", "ops")
    assert doubtful.data["deployments"][0]["parameters"]["command"] == f"{user} /opt/a.sh"
    assert (1, user) in {(note.line, note.place) for note in doubtful.notes}
    (own,) = from_crontab(f"1 * * * * {user} -s hello\n", "ops").data["deployments"]
    assert own["parameters"]["command"] == f"{user} -s hello", "a program that is named like a user"


def test_a_secret_in_a_crontab_stays_out_of_the_file(tmp_path: Path) -> None:
    text = (
        "DB_PASSWORD=hunter2\nDB_URL=postgres://u:hunter2@h/db\nSORT_KEY=a\n1 * * * * /opt/a.sh\n"
        "CRON_TZ=\n-*/10 * * * * TOKEN=hunter2 /opt/b.sh\n"
    )
    imported = from_crontab(text, "ops")
    (tmp_path / FLOW_FILE).write_text(FLOW)
    first, second = read_file(written(tmp_path, imported), None, {}).project.deployments
    assert first.work_pool.job_variables == {
        "env": {"DB_PASSWORD": {"$secret": "env:DB_PASSWORD"}, "DB_URL": {"$secret": "env:DB_URL"}}
    }
    assert first.work_pool.name == "default" and first.parameters["environment"] == {"SORT_KEY": "a"}
    assert second.schedules and (second.schedules[0].cron, second.schedules[0].timezone) == (
        "*/10 * * * *",
        None,
    )
    told = {(note.line, note.place) for note in imported.notes}
    assert {(1, "DB_PASSWORD"), (2, "DB_URL"), (6, "command"), (6, "timezone"), (0, "")} <= told
    assert "hunter2" not in "".join(note.text("crontab") for note in imported.notes)
    assert to_yaml(imported.data).count("hunter2") == 1


def test_a_line_whose_times_are_refused_is_left_out_with_the_reason() -> None:
    imported = from_crontab("H * * * * /opt/a.sh\n", "ops", lambda times: f"no {times['cron']}")
    assert imported.data["deployments"] == []
    assert imported.notes[-1].text("crontab") == "crontab:1: H * * * *: is left out: no H * * * *"


def test_the_written_flow_does_as_cron_did(tmp_path: Path) -> None:
    (tmp_path / FLOW_FILE).write_text(FLOW)
    code = (
        "import crontab_flow as c\n"
        "c.run_command('cat > out; echo $GREETING >> out', 'in\\n', {'GREETING': 'hello'})\n"
        "try:\n    c.run_command('exit 3')\nexcept RuntimeError as error:\n    print(error)\n"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    settings = {"HEADRACE_HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    # As for a worker whose user has another shell: cron's own is always /bin/sh.
    environment = {**os.environ, **settings, "HOME": str(tmp_path), "SHELL": "/bin/false"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (tmp_path / "out").read_text() == "in\nhello\n"
    assert "exit code 3" in done.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pull: [{prefect.deployments.steps.git_clone: x}]", "has no names and values"),
        ("deployments: 3", "deployments is no list"),
        ("deployments: [{name: d, entrypoint: 'f.py:f', schedules: 3}]", "schedules is no list"),
        (
            "deployments: [{name: d, entrypoint: 'f.py:f', work_pool: {name: p, job_variables: x}}]",
            "job_variables has no names and values",
        ),
    ],
)
def test_what_is_malformed_is_noted_and_left_out(text: str, said: str) -> None:
    imported = from_prefect(parse_yaml(f"name: x\n{text}\n", "prefect.yaml"))
    assert said in " ".join(f"{note.place} {note.message}" for note in imported.notes)
