"""The wizard meets what is there already, and what is refused: nothing is lost silently, and no answer typed twice."""

from __future__ import annotations

from tests.support.terminal import DOWN, ENTER, Terminal
from tests.support.town import Town


def test_what_a_deployment_has_stays_unless_another_answer_is_given(home: Town) -> None:
    words = ["flows.py:add", "-n", "ex", "-p", "pool", "--tag", "a", "--concurrency-limit", "2"]
    words += ["--cron", "0 5 * * *", "--param", "x=3", "--param", "y=7", "--queue", "default"]
    home.run("deploy", *words, "--job-variable", 'env={"A": "1"}')
    before = home.get("/deployments/name/add/ex")
    left = {"id", "updated", "revision", "status", "schedules"}
    keep, remove = (ENTER,), (DOWN, ENTER)
    for keys, slugs, save in ((keep, ["cron"], "n"), (keep, ["cron"], "y"), (remove, [], "n")):
        flag = slugs == []
        terminal = Terminal(home, home.home, "deploy", "flows.py:add")
        terminal.type("Name of the deployment", "ex")
        terminal.answer("'add/ex' exists: this changes it")
        terminal.answer(r"as it does: cron 0 5", *keys)
        terminal.answer("Which work pool", ENTER)
        terminal.answer(r"Parameter x .*\[3\]", ENTER)
        terminal.answer(r"Change defaults of the parameters \(y=7\)", ENTER)
        terminal.answer("Where do workers get", ENTER)
        terminal.answer(r"Tags.*\[a\]", ENTER)
        terminal.answer("headrace.yaml", save)
        code, said = terminal.end()
        assert (code, "--no-schedule" in said) == (0, flag), said
        after = home.get("/deployments/name/add/ex")
        assert [each["slug"] for each in after["schedules"]] == slugs
        # A project's label is a part of the version.
        changed = {"version_number", "latest_version_number", "labels"} if flag or save == "y" else set()
        kept = before.keys() - left - changed
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
        if save == "y":
            assert home.run("deploy", "--sync", "--plan").stdout.startswith("Nothing to do")
    home.run("deploy", *words)
    home.run("deploy", *words[:5], "--no-schedule")
    assert home.get("/deployments/name/add/ex")["schedules"] == []


def test_what_only_the_project_file_can_say_stays_too(home: Town) -> None:
    (home.home / "plain.py").write_text("from headrace import flow\n\n@flow\ndef plain():\n    return 1\n")
    rest = (
        "description: d, version: v7, labels: {team: data}, timeout: 100, retry_policy: {retries: 4, delay: 9}, "
        "enforce_parameter_schema: false, work_pool: {name: pool}"
    )
    steps = (
        f"[{{set_working_directory: {{directory: {home.home}}}}}, {{run_shell_script: {{script: echo a}}}}]"
    )
    file = home.home / "headrace.yaml"
    file.write_text(
        f"name: p\ndeployments:\n  - {{name: ex, entrypoint: 'plain.py:plain', {rest}, pull: {steps}}}\n"
    )
    home.run("deploy", "--all")
    before = home.get("/deployments/name/plain/ex")
    file.unlink()
    for save in ("n", "y"):
        terminal = Terminal(home, home.home, "deploy", "plain.py:plain", "-n", "ex")
        terminal.answer("on a schedule", ENTER)
        terminal.answer("Which work pool", ENTER)
        terminal.answer("Where do workers get", ENTER)
        terminal.answer("Tags", ENTER)
        terminal.answer("headrace.yaml", save)
        code, said = terminal.end()
        assert (code, "no option" in said) == (0, True), said
        after = home.get("/deployments/name/plain/ex")
        left = {"id", "updated", "revision", "status", "labels", "version_number", "latest_version_number"}
        kept = before.keys() - left
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
        assert after["labels"]["team"] == "data"
    assert home.run("deploy", "--sync", "--plan").stdout.startswith("Nothing to do")


def test_a_wrong_answer_is_told_at_once_and_a_refusal_at_the_end_costs_no_answer(home: Town) -> None:
    hints = "opts: dict | None = None, when: datetime.date = datetime.date(2026, 1, 1)"
    (home.home / "more.py").write_text(
        f"import datetime\nfrom headrace import flow\n\n@flow\ndef more({hints}):\n    return 1\n"
    )
    (home.home / "headrace.yaml").write_text("name: [\n")
    terminal = Terminal(
        home, home.home, "deploy", "more.py:more", "-n", "n", "--tag", "a", "--queue", "nowhere"
    )
    terminal.answer("on a schedule", ENTER)
    terminal.answer("Which work pool", ENTER)
    terminal.answer("Change defaults", "y")
    terminal.type(r"Parameter opts \(object or null\)", "not json")
    terminal.type("expected an object or null", '{"a": 1}')
    terminal.type(r"Parameter when \(date, as in", "ten")
    terminal.type("a text in the format date", "2026-01-31")
    terminal.answer("Where do workers get", ENTER)
    terminal.answer("not written into headrace.yaml, which has a mistake: headrace.yaml:")
    code, said = terminal.end()
    assert code == 1, said
    assert "nowhere" in said and "The same, without questions" in said
    assert "--param when=2026-01-31" in said and """--param 'opts={"a": 1}'""" in said


def test_typing_replaces_a_default_and_the_pool_that_is_served_comes_first(home: Town) -> None:
    home.run("work-pool", "create", "a-pool")
    home.worker()
    terminal = Terminal(home, home.home, "deploy", "flows.py:quick", "--source", "local", "--tag", "a")
    terminal.answer(r"Name of the deployment.*\[main\]", "tester", ENTER)
    terminal.answer("on a schedule", DOWN, ENTER)
    terminal.answer(r"Cron expression.*\[0 9 \* \* \*\]", "@hourly", ENTER)
    terminal.answer(r"Time zone.*\[Europe/Zurich\]", ENTER)
    terminal.answer("Take these times", "y")
    terminal.answer("Which work pool", ENTER)
    terminal.answer("headrace.yaml", "y")
    code, said = terminal.end()
    assert code == 0, said
    made = home.get("/deployments/name/quick/tester")
    assert made["work_pool_name"] == "pool"
    assert made["schedules"][0]["schedule"]["cron"] == "@hourly"
    assert made["schedules"][0]["schedule"]["timezone"] == "Europe/Zurich"
