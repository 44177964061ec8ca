"""Deploying as a user does it: by questions on a pseudo-terminal, by options, and from `headrace.yaml`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.terminal import CTRL_C, DOWN, ENTER, Terminal
from tests.support.town import HEADRACE, Town

pexpect = pytest.importorskip("pexpect", reason="a pseudo-terminal is needed")

FLOWS = '''
from headrace import Secret, flow

@flow
def load_day(day: str, rows: int = 10):
    """Load one day."""
    return rows

@flow(name="weekly-report")
async def weekly(city: str = "Bern", password: Secret | None = None):
    """Report the week."""
    return [city, password and len(password.get())]
'''
PROJECT = """\
name: shop
defaults:
  work_pool: {name: pool}
deployments:
  - name: daily
    entrypoint: etl/jobs.py:load_day
    parameters: {day: 2026-01-31}
    schedules: [{cron: "0 4 * * *", timezone: Europe/Berlin}]
  - name: weekly
    entrypoint: etl/jobs.py:weekly
    tags: [report]
"""


def git(folder: Path, *words: str) -> None:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def folder(home: Town) -> Path:
    """The user's project: two flows in one file."""
    project = home.home / "project"
    (project / "etl").mkdir(parents=True)
    (project / "etl" / "jobs.py").write_text(FLOWS)
    (project / "broken.py").write_text("from headrace import flow\n@flow\ndef (")
    return project


@pytest.fixture
def terminal(home: Town, folder: Path) -> Iterator[Terminal]:
    made = Terminal(home, folder, "deploy")
    yield made
    made.child.close(force=True)


def run(home: Town, folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    return home.run(*words, code=code, cwd=folder)


def names(home: Town) -> list[str]:
    return [f"{each['flow_name']}/{each['name']}" for each in home.ask("deployment", "ls")]


def test_the_wizard_key_by_key_with_wrong_answers(home: Town, folder: Path, terminal: Terminal) -> None:
    terminal.answer("Skipped broken.py: syntax error, line 3")
    terminal.answer("Which flow", DOWN, ENTER)
    terminal.type("Name of the deployment", "a/b")
    terminal.type("may have none of", "nightly")
    terminal.answer("on a schedule", DOWN, ENTER)
    terminal.type("Cron expression", "0 25 * * *")
    terminal.answer("hour")
    terminal.type("Cron expression", "0 5 * * *")
    terminal.type("Time zone", "Mars/Olympus")
    terminal.answer("IANA")
    terminal.type("Time zone", "Europe/Berlin")
    terminal.answer(r"The next times \(Europe/Berlin\)")
    for _ in range(5):
        terminal.answer(r"\w{3} \d{4}-\d\d-\d\d 05:00:00 CES?T")
    terminal.answer("Take these times", "y")
    terminal.answer("Which work pool", DOWN, ENTER)
    terminal.type("new work pool", "pool")
    terminal.type("already", "fresh")
    terminal.answer("Change defaults", "y")
    terminal.type("Parameter city", "8001")
    terminal.type("Parameter password", "hunter2")
    terminal.type("a secret itself is not taken", "env:DB_PASSWORD")
    terminal.answer("Where do workers get", ENTER)
    terminal.type("Tags", "a, b")
    terminal.answer("headrace.yaml", "y")
    code, said = terminal.end()
    assert code == 0, said
    assert "Made work pool 'fresh'" in said and f"{home.api}/deployments/" in said
    assert "headrace worker start --pool fresh" in said
    assert "headrace deployment run weekly-report/nightly --watch" in said
    made = home.get("/deployments/name/weekly-report/nightly")
    assert (made["parameters"], made["tags"], made["work_pool_name"]) == (
        {"city": "8001", "password": {"$secret": "env:DB_PASSWORD"}},
        ["a", "b"],
        "fresh",
    )
    assert made["schedules"][0]["schedule"]["cron"] == "0 5 * * *"
    assert list(made["pull_steps"][0]) == ["headrace.deployments.steps.pull_bundle"]
    line = next(line.strip() for line in said.splitlines() if line.strip().startswith("headrace deploy "))
    assert run(home, folder, "deploy", "--plan").stdout.startswith("Nothing to do")
    again = subprocess.run(
        line.replace("headrace", str(HEADRACE), 1),
        shell=True,
        cwd=folder,
        env=home.environment,
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0, again.stderr
    second = home.get("/deployments/name/weekly-report/nightly")
    kept = ("parameters", "tags", "pull_steps", "labels", "entrypoint", "work_pool_name", "version_number")
    assert {name: second[name] for name in kept} == {name: made[name] for name in kept}
    # What was answered runs: by a worker elsewhere, from the bundle, with the secret that is known to it alone.
    home.settings["DB_PASSWORD"] = "hunter2"
    home.worker(pool="fresh")
    done = home.until(home.trigger("weekly-report/nightly"), "COMPLETED", "FAILED", "CRASHED")
    assert done["result"] == ["8001", 7], done


QUESTIONS = [
    "Which flow",
    "Name of the",
    "on a schedule",
    "Which work pool",
    "Parameter day",
    "Change defaults",
    "Where do",
    "Tags",
]


@pytest.mark.parametrize("at", [0, 3, 7], ids=lambda at: QUESTIONS[at])
def test_ctrl_c_makes_nothing(home: Town, terminal: Terminal, at: int) -> None:
    for question in QUESTIONS[:at]:
        new_pool = question == "Which work pool"
        terminal.answer(question, *([DOWN, ENTER] if new_pool else [ENTER]))
        if new_pool:
            terminal.type("new work pool", "fresh")
    terminal.answer(QUESTIONS[at], CTRL_C)
    code, said = terminal.end()
    assert (code, "nothing was made" in said) == (130, True), said
    assert names(home) == []
    assert [pool["name"] for pool in home.ask("work-pool", "ls")] == ["pool"]
    assert not (home.home / "project" / "headrace.yaml").exists()


def test_a_flow_that_does_not_load_may_be_deployed_unseen(home: Town, folder: Path) -> None:
    (folder / "etl" / "jobs.py").write_text("import nowhere_to_be_found\n" + FLOWS)
    terminal = Terminal(
        home, folder, "deploy", "etl/jobs.py:weekly", "-n", "n", "--source", "local", "--tag", "a"
    )
    terminal.answer("nowhere_to_be_found")
    terminal.answer("without looking at it", "y")
    terminal.answer("on a schedule", DOWN, DOWN, ENTER)
    terminal.type("Time between runs", "often")
    terminal.answer("is not a duration")
    terminal.type("Time between runs", "90m")
    terminal.answer(r"The next times \(UTC\)")
    terminal.answer("Take these times", "y")
    terminal.answer("Which work pool", ENTER)
    terminal.answer("headrace.yaml", "n")
    code, said = terminal.end()
    assert (code, "--no-check" in said, "--interval 1h30m" in said) == (0, True, True), said
    (schedule,) = home.get("/deployments/name/weekly-report/n")["schedules"]
    assert schedule["schedule"]["interval"] == 5400


def test_git_in_the_wizard_and_its_warnings(home: Town, folder: Path) -> None:
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "a")
    git(folder, "remote", "add", "origin", "https://git.example/jobs.git")
    (folder / "etl" / "jobs.py").write_text(FLOWS + "\n# changed\n")
    terminal = Terminal(home, folder / "etl", "deploy", "jobs.py:weekly", "-n", "n", "-p", "pool")
    code, said = terminal.end()
    assert code == 0 and "Which" not in said, "all that must be known was given: nothing is asked"
    terminal = Terminal(home, folder / "etl", "deploy", "jobs.py:weekly", "-p", "pool")
    terminal.type("Name of the deployment", "git")
    terminal.answer("on a schedule", DOWN, DOWN, DOWN, ENTER)
    terminal.type("5545 rule", "FREQ=SOMETIMES")
    terminal.answer("YEARLY")
    terminal.type("5545 rule", "FREQ=WEEKLY;BYDAY=MO;BYHOUR=7;BYMINUTE=0;BYSECOND=0")
    terminal.answer("Time zone", ENTER)
    terminal.answer(r"Mon \d{4}-\d\d-\d\d 07:00:00 CES?T")
    terminal.answer("Take these times", "y")
    terminal.answer("Change defaults", ENTER)
    terminal.answer("Where do workers get", ENTER)
    terminal.answer("Repository:", ENTER)
    terminal.answer("Branch:", ENTER)
    terminal.answer("private", "y")
    terminal.type("find the secret", "hunter2")
    terminal.type("never the secret", "env:GIT_TOKEN")
    terminal.answer("Tags", ENTER)
    terminal.answer("headrace.yaml", ENTER)
    code, said = terminal.end()
    assert code == 0, said
    for warning in ("not its root", "not committed", "is not pushed", "no worker serves"):
        assert warning in said, said
    made = home.get("/deployments/name/weekly-report/git")
    rule = {"rrule": "FREQ=WEEKLY;BYDAY=MO;BYHOUR=7;BYMINUTE=0;BYSECOND=0", "timezone": "Europe/Zurich"}
    assert made["schedules"][0]["schedule"] == rule
    first, second = made["pull_steps"]
    clone = first["headrace.deployments.steps.git_clone"]
    assert (clone["branch"], clone["credentials"], len(clone["commit"])) == ("main", {"env": "GIT_TOKEN"}, 40)
    assert second == {"headrace.deployments.steps.set_working_directory": {"directory": "etl"}}


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), "ENTRYPOINT and --name and --pool"),
        (("etl/jobs.py:weekly", "-p", "pool"), "--name"),
        (("etl/jobs.py:weekly", "-n", "n"), "--pool"),
    ],
)
def test_without_a_terminal_nothing_is_asked(
    home: Town, folder: Path, words: tuple[str, ...], named: str
) -> None:
    assert f"Missing {named}," in run(home, folder, "deploy", *words, code=2).stderr


def test_half_a_terminal_is_none(home: Town, folder: Path) -> None:
    """Input from a terminal, output into a pipe: as in `headrace deploy | tee log`."""
    child = pexpect.spawn(
        "/bin/sh",
        ["-c", f"{HEADRACE} deploy | cat"],
        env=home.environment,
        cwd=folder,
        encoding="utf-8",
        timeout=30,
    )
    child.expect("no terminal to ask at")
    child.close(force=True)


def test_a_project_is_planned_deployed_synced_and_renamed(home: Town, folder: Path) -> None:
    file = folder / "headrace.yaml"
    file.write_text(PROJECT)
    plan = run(home, folder, "deploy", "--plan").stdout
    assert "+ create load-day/daily" in plan and "2 to create, 0 to change, 0 to delete" in plan
    assert names(home) == []
    run(home, folder, "deploy", "-n", "week*")
    assert names(home) == ["weekly-report/weekly"]
    run(home, folder, "deploy", "--all")
    assert run(home, folder, "deploy", "--plan").stdout.startswith("Nothing to do")
    file.write_text(PROJECT.replace("0 4 * * *", "0 5 * * *").replace("[report]", "[report, b]"))
    changed = run(home, folder, "deploy", "--plan").stdout
    assert 'tags: ["report"] -> ["report", "b"]' in changed
    assert 'schedules.cron.schedule.cron: "0 4 * * *" -> "0 5 * * *"' in changed
    run(home, folder, "deploy", "--all")
    home.run("deploy", "flows.py:add", "-n", "mine", "-p", "pool")
    renamed = PROJECT.split("  - name: weekly")[0].replace(
        "name: daily", "name: every-day\n    renamed_from: load-day/daily"
    )
    file.write_text(renamed)
    refused = run(home, folder, "deploy", "--sync", code=2)
    assert "--yes" in refused.stderr and len(names(home)) == 3
    done = run(home, folder, "deploy", "--sync", "--yes").stdout
    assert "- deleted weekly-report/weekly" in done
    assert names(home) == ["add/mine", "load-day/every-day"]
    assert run(home, folder, "deploy", "--sync", "--plan").stdout.startswith("Nothing to do")


def test_a_sync_asks_before_it_deletes(home: Town, folder: Path) -> None:
    (folder / "headrace.yaml").write_text(PROJECT)
    run(home, folder, "deploy", "--all")
    (folder / "headrace.yaml").write_text(PROJECT.split("  - name: weekly")[0])
    for key, left in (("n", 2), ("y", 1)):
        terminal = Terminal(home, folder, "deploy", "--sync")
        terminal.answer("- delete weekly-report/weekly: left the project's file")
        terminal.answer("Delete 1 deployment", key)
        assert terminal.end()[0] == (0 if key == "y" else 1)
        assert len(names(home)) == left


def test_init_and_the_two_imports(home: Town, folder: Path) -> None:
    run(home, folder, "init", "--recipe", "local")
    assert run(home, folder, "init", code=1).stderr.startswith("Error: headrace.yaml is here already")
    run(home, folder, "deploy", "etl/jobs.py:weekly", "-n", "n", "-p", "pool", "--save")
    assert run(home, folder, "deploy", "--plan").stdout.startswith("Nothing to do")
    lines = ["*/5 * * * * echo hello", "@reboot /opt/x", "61 * * * * echo a", "0 5 31 2 * echo b"]
    lines += ["0~59 * * * * echo c", "CRON_TZ=Mars/Olympus", "1 1 * * * echo d"]
    (folder / "crontab").write_text("\n".join(lines))
    run(home, folder, "work-pool", "create", "default")
    assert "Cannot read nope" in run(home, folder, "import", "crontab", "nope", code=2).stderr
    assert "already" in run(home, folder, "import", "crontab", "crontab", code=1).stderr
    assert not (folder / "crontab_flow.py").exists()
    said = run(home, folder, "import", "crontab", "crontab", "--force")
    assert "crontab:2: @reboot" in said.stderr and "1 deployment" in said.stdout
    for place in ("3: 61 * * * *", "4: 0 5 31 2 *", "5: 0~59 * * * *", "7: 1 1 * * *"):
        assert f"crontab:{place}: is left out: " in said.stderr
    run(home, folder, "deploy", "--all")
    home.worker(pool="default")
    watched = run(home, folder, "deployment", "run", "run-command/echo", "--watch")
    assert watched.returncode == 0, watched.stderr


def test_job_variables_that_do_not_fit_are_told_and_nothing_is_made(home: Town, folder: Path) -> None:
    words = ("deploy", "etl/jobs.py:weekly", "-n", "n", "-p", "pool", "--job-variable", "env=7")
    error = run(home, folder, *words, code=1).stderr
    assert "env" in error and "job_variables" in error
    assert names(home) == []


def test_a_template_that_changes_under_a_deployment_is_told_by_its_next_run(home: Town) -> None:
    home.deploy("add", "--job-variable", "nice=3")
    template = home.get("/work_pools/pool")["base_job_template"]
    del template["variables"]["properties"]["nice"]
    template["job_configuration"].pop("nice")
    (home.home / "template.json").write_text(json.dumps(template))
    home.run("work-pool", "update", "pool", "--base-job-template", "template.json")
    home.worker()
    crashed = home.until(home.trigger("add/main", x=1), "CRASHED", "COMPLETED", "FAILED")
    assert crashed["state_type"] == "CRASHED"
    assert "as its pool's job template says now" in crashed["state"]["message"]
    assert "nice" in crashed["state"]["message"]
    home.run("deployment", "delete", "add/main")
    home.deploy("add")
    assert home.until(home.trigger("add/main", x=1), "CRASHED", "COMPLETED")["state_type"] == "COMPLETED"


def test_a_build_step_that_fails_deploys_nothing(home: Town, folder: Path) -> None:
    text = PROJECT + "build:\n  - run_shell_script: {script: 'echo made > made; exit 3'}\n"
    (folder / "headrace.yaml").write_text(text)
    assert "not run for a plan" in run(home, folder, "deploy", "--plan").stderr
    assert not (folder / "made").exists()
    assert "exit code 3" in run(home, folder, "deploy", "--all", code=1).stderr
    assert ((folder / "made").read_text(), names(home)) == ("made\n", [])
    (folder / "headrace.yaml").write_text(text.replace("exit 3", "exit 0"))
    run(home, folder, "deploy", "--all")
    assert len(names(home)) == 2


def test_a_worker_runs_it_from_each_source(home: Town, folder: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "a")
    git(folder, "remote", "add", "origin", (tmp_path / "origin.git").as_uri())
    git(folder, "push", "-q", "origin", "main")
    for source in ("git", "bundle", "local"):
        run(home, folder, "deploy", "etl/jobs.py:weekly", "-n", source, "-p", "pool", "--source", source)
    folder.joinpath("etl", "jobs.py").write_text(FLOWS.replace("return [", "return 'changed' or ["))
    home.worker()
    results = {}
    for source in ("git", "bundle", "local"):
        found = home.until(home.trigger(f"weekly-report/{source}"), "COMPLETED", "FAILED", "CRASHED")
        results[source] = found["result"]
    assert results == {"git": ["Bern", None], "bundle": ["Bern", None], "local": "changed"}
    run(home, folder, "deploy", "--command", "sh -c 'echo said; exit 3'", "-n", "shell", "-p", "pool")
    failed = home.until(home.trigger("shell/shell"), "COMPLETED", "FAILED", "CRASHED")
    assert (failed["state_type"], "exit code 3" in failed["state"]["message"]) == ("FAILED", True), failed
