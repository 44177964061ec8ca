"""`headrace.yaml` against a real control plane: mistakes are told at once with their lines; `path` is gone to."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.town import Town

FLOWS = """
from headrace import flow

@flow
def counted(rows: int = 1):
    return rows

@flow
def plain():
    return "plain"

@flow
def needing(day: str):
    return day
"""
MISTAKEN = """\
name: shop
defaults:
  work_pool: {name: pool}
  parameters: {rows: 9}
deployments:
  - name: good
    entrypoint: f.py:counted
  - name: often
    entrypoint: f.py:counted
    schedules:
      - cron: "0 4 * * *"
      - cron: "61 * * * *"
  - name: many
    entrypoint: f.py:counted
    parameters: {rows: many}
  - name: without
    entrypoint: f.py:plain
  - name: queue
    entrypoint: f.py:counted
    work_pool:
      work_queue_name: noq
      job_variables:
        timeout: abc
  - name: gone
    entrypoint: nowhere.py:f
  - name: typo
    entrypoint: f.py:counter
    schedules: [{cron: "61 * * * *"}]
  - name: no-entrypoint
    entrypoint: f.py
  - name: steps
    entrypoint: f.py:counted
    pull:
      - set_working_directory: {dir: /tmp}
      - git_clon: {}
  - name: password
    entrypoint: f.py:counted
    pull:
      - git_clone: {repository: "https://me:hunter2@host.invalid/x.git"}
"""
TOLD = (
    "headrace.yaml:4: defaults.parameters.rows: 'without': is not known",
    "headrace.yaml:12: deployments.1.schedules.1.cron: 'often': minute: 61 is not in 0-59",
    "headrace.yaml:15: deployments.2.parameters.rows: 'many': ",
    "headrace.yaml:21: deployments.4.work_pool.work_queue_name: 'queue': Work pool 'pool' has no queue 'noq'",
    "headrace.yaml:23: deployments.4.work_pool.job_variables.timeout: 'queue': ",
    "headrace.yaml:25: deployments.5.entrypoint: 'gone': There is no file nowhere.py",
    "headrace.yaml:27: deployments.6.entrypoint: 'typo': Cannot load f.py:counter",
    "headrace.yaml:28: deployments.6.schedules.0.cron: 'typo': minute: 61 is not in 0-59",
    "headrace.yaml:30: deployments.7.entrypoint: 'no-entrypoint': 'f.py' is not an entrypoint",
    "headrace.yaml:34: deployments.8.pull.0.set_working_directory.dir: 'steps': is no member of "
    "set_working_directory; did you mean 'directory'?",
    "headrace.yaml:35: deployments.8.pull.1.git_clon: 'steps': is no pull step; did you mean 'git_clone'?",
    "headrace.yaml:38: deployments.9.pull: 'password': The repository's address holds a password",
)


def git(folder: Path, *words: str) -> None:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def folder(home: Town) -> Path:
    project = home.home / "project"
    project.mkdir()
    (project / "f.py").write_text(FLOWS)
    return project


def run(home: Town, folder: Path, *words: str, code: int = 0) -> str:
    done = home.run(*words, code=code, cwd=folder)
    return done.stderr if code else done.stdout + done.stderr


def test_all_mistakes_are_told_at_once_by_the_plan_and_by_the_deploy_which_changes_nothing(
    home: Town, folder: Path
) -> None:
    (folder / "headrace.yaml").write_text(MISTAKEN)
    for words in ("--plan", "--all", "--sync"):
        told = run(home, folder, "deploy", words, code=2)
        for line in TOLD:
            assert line in told, f"{line}\n\n{told}"
        assert told.count("headrace.yaml:") == len(TOLD)
        assert "hunter2" not in told
    assert home.ask("deployment", "ls") == []
    good = MISTAKEN[: MISTAKEN.index("  - name: often")]
    (folder / "headrace.yaml").write_text(good.replace("{name: pool}", "{name: nowhere}"))
    for words in ("--plan", "--all"):
        told = run(home, folder, "deploy", words, code=2)
        assert "headrace.yaml:3: defaults.work_pool.name: 'good': There is no work pool 'nowhere'" in told
    assert home.ask("deployment", "ls") == []
    (folder / "headrace.yaml").write_text(good)
    run(home, folder, "deploy", "--all")
    assert [one["name"] for one in home.ask("deployment", "ls")] == ["good"]


def test_path_is_gone_to_from_each_source(home: Town, folder: Path, tmp_path: Path) -> None:
    package = folder / "src" / "pkg"
    package.mkdir(parents=True)
    (package / "fl.py").write_text(FLOWS)
    entries = "".join(
        f"  - {{name: {name}, entrypoint: 'pkg/fl.py:counted', path: src, pull: [{{{step}: {{}}}}]}}\n"
        for name, step in (
            ("local", "set_working_directory"),
            ("bundle", "pull_bundle"),
            ("git", "git_clone"),
        )
    )
    (folder / "headrace.yaml").write_text(
        f"name: p\ndefaults: {{work_pool: {{name: pool}}}}\ndeployments:\n{entries}"
    )
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "a")
    git(folder, "remote", "add", "origin", (tmp_path / "origin.git").as_uri())
    git(folder, "push", "-q", "origin", "main")
    assert "3 to create" in run(home, folder, "deploy", "--plan", "--no-check")
    (package / "fl.py").write_text(FLOWS + "# changed\n")
    told = run(home, folder, "deploy", "--all")
    assert "src/pkg/fl.py has changes that are not committed" in told
    home.worker()
    for name in ("local", "bundle", "git"):
        done = home.until(home.trigger(f"counted/{name}"), "COMPLETED", "FAILED", "CRASHED")
        assert (done["state_type"], done["result"]) == ("COMPLETED", 1), done
    text = (folder / "headrace.yaml").read_text().replace("path: src", "path: nowhere")
    (folder / "headrace.yaml").write_text(text)
    assert "There is no file pkg/fl.py in" in run(home, folder, "deploy", "--plan", code=2)


def test_a_schedule_without_a_required_value_is_told(home: Town, folder: Path) -> None:
    entry = "name: p\ndeployments:\n  - name: d\n    entrypoint: f.py:needing\n    work_pool: {name: pool}\n"
    (folder / "headrace.yaml").write_text(entry + "    schedules: [{cron: '@daily'}]\n")
    for words in (("--plan",), ("--all",)):
        said = run(home, folder, "deploy", *words, code=2)
        assert "headrace.yaml:6: deployments.0.schedules.0.parameters.day: " in said
    alone = ("f.py:needing", "-n", "d", "-p", "pool", "--cron", "@daily")
    assert "parameters.day" in run(home, folder, "deploy", *alone, code=1)
    assert home.run("deployment", "ls", "--output", "json").stdout.strip() == "[]"
    (folder / "headrace.yaml").write_text(
        entry + "    schedules: [{cron: '@daily', parameters: {day: monday}}]\n"
    )
    run(home, folder, "deploy", "--plan")
