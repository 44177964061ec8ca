"""`headrace.yaml`: what it may say, how defaults and templates work, and each mistake with its line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from headrace.project.desired import wanted_of
from headrace.project.errors import FileProblems, ProjectError
from headrace.project.model import Project
from headrace.project.read import read_file
from headrace.project.schema import schema_text
from headrace.project.sources import Sources
from headrace.project.write import RECIPES, new_file, with_deployment
from headrace.project.yamlfile import parse_yaml

ROOT = Path(__file__).parents[3]
GOOD = """\
name: shop
definitions:
  nightly: &nightly
    - cron: "0 4 * * *"
      timezone: Europe/Berlin
defaults:
  tags: [etl]
  parameters: {rows: 10}
  work_pool: {name: pool, job_variables: {env: {A: "1"}, nice: 5}}
pull:
  - git_clone: {repository: "https://git.example/{{ env.TEAM }}.git"}
deployments:
  - name: etl-a
    entrypoint: flows.py:load
    flow_name: load
    schedules: *nightly
    parameters: {day: 2026-01-31}
    work_pool: {work_queue_name: fast, job_variables: {nice: 0}}
  - name: report
    entrypoint: flows.py:take_stock
    tags: []
    version: "{{ env.VERSION }}"
    pull: [{set_working_directory: {directory: /srv}}]
    retry_policy: {retries: 2, delay: [1, 5]}
"""
HEAD = "name: shop\ndeployments:\n"
ONE = "  - name: a\n    entrypoint: f.py:f\n"
BAD = {
    "not closed": ("name: [a\nb: 1\n", 2, "no YAML"),
    "a tab": ("name: a\n\tb: 1\n", 2, "no YAML"),
    "a misspelt default": (
        "name: shop\ndefaults: {work_pol: {name: x}}\ndeployments: []\n",
        2,
        "is no key here; did you mean 'work_pool'?",
    ),
    "a list": ("- a\n", 1, "must hold members"),
    "empty": ("", 1, "must hold members"),
    "a key twice": ("name: a\nname: b\n", 2, "given twice"),
    "a misspelt member": (HEAD + ONE + "    enrtypoint: x\n", 5, "did you mean 'entrypoint'"),
    "a time that nothing waits": (
        HEAD + ONE + "    concurrency_options: {grace_period_seconds: 30}\n",
        5,
        "is no key here",
    ),
    "no entrypoint": (HEAD + "  - name: a\n", 3, "lacks 'entrypoint'"),
    "no name of the project": ("deployments: []\n", 1, "lacks 'name'"),
    "a number for a version": (HEAD + ONE + "    version: 1.10\n", 5, "put it in quotes"),
    "two kinds of schedule": (
        HEAD + ONE + "    schedules:\n      - cron: '@daily'\n        interval: 5\n",
        6,
        "contradict",
    ),
    "a schedule without times": (HEAD + ONE + "    schedules:\n      - timezone: UTC\n", 6, "says no times"),
    "an interval in words": (HEAD + ONE + "    schedules:\n      - interval: often\n", 6, "number"),
    "a negative limit": (HEAD + ONE + "    concurrency_limit: -1\n", 5, "greater than or equal to 0"),
    "a name with a slash": (HEAD + "  - entrypoint: f.py:f\n    name: a/b\n", 4, "may have none of /"),
    "a missing variable": (HEAD + ONE + "    version: '{{ env.NOWHERE }}'\n", 5, "no NOWHERE"),
    "a variable of the control plane": (
        HEAD + ONE + "    tags: [a, '{{ variable.x }}']\n",
        5,
        "no variable 'x'",
    ),
    "a template of nothing": (HEAD + ONE + "    version: '{{ commit }}'\n", 5, "means nothing"),
    "a secret by a template": (
        HEAD + ONE + "    pull:\n      - git_clone: {credentials: {env: '{{ env.TOKEN }}'}}\n",
        6,
        "stored and shown",
    ),
    "a secret in an address by a template": (
        HEAD
        + ONE
        + "    pull:\n      - git_clone:\n          repository: https://{{ env.TOKEN }}@host/x.git\n",
        7,
        "stored and shown",
    ),
    "a secret for the environment by a template": (
        HEAD + ONE + "    work_pool: {job_variables: {env: {DB: '{{ env.DB_PASSWORD }}'}}}\n",
        5,
        '{$secret: "env:DB_PASSWORD"}, from its own environment',
    ),
    "an environment variable that is a secret by a template": (
        HEAD + ONE + "    work_pool: {job_variables: {env: {API_TOKEN: 'x{{ env.MINE }}'}}}\n",
        5,
        '{$secret: "env:MINE"}',
    ),
    "a secret parameter by a template": (
        HEAD + ONE + "    parameters: {a: [{b: '{{env.API_KEY}}'}]}\n",
        5,
        "type the flow's parameter `Secret`",
    ),
    "a secret in a step by a template": (
        HEAD + ONE + "    pull:\n      - run_shell_script: {script: 'get {{ env.TOKEN }}'}\n",
        6,
        "below `env` of the step",
    ),
    "an address with a password by a template": (
        HEAD + ONE + "    parameters: {db: '{{ env.DATABASE }}'}\n",
        5,
        "stored and shown",
    ),
    "an entrypoint and a command": (HEAD + ONE + "    command: ls /\n", 3, "only one can run"),
    "a command that is not closed": (HEAD + "  - name: a\n    command: sh 'x\n", 3, "close what it quotes"),
    "a pool by its name alone": (HEAD + ONE + "    work_pool: my-pool\n", 5, "write {name: my-pool}"),
    "members that are a text": (HEAD + ONE + "    parameters: x\n", 5, "as names and values"),
    "tags that are a text": (HEAD + ONE + "    tags: x\n", 5, "must be a list: each member after a dash"),
    "half a name": (HEAD + ONE + "    renamed_from: a\n", 5, "must be a full name, flow/name"),
    "a template that is not closed": (HEAD + ONE + "    version: 'a {{ git.commit'\n", 5, "without }}"),
    "the second of two templates": (HEAD + ONE + "    version: '{{ one }} {{ env.NO }}'\n", 5, "has no NO"),
    "two of one name": (HEAD + ONE + ONE, 5, "is in line 3 already"),
    "two steps in one": (HEAD + ONE + "    pull:\n      - {a: {}, b: {}}\n", 6, "at most 1"),
    "an alias of itself": ("name: a\ndefaults: &d\n  parameters: *d\n", 2, "refers to itself"),
    "an unknown alias": ("name: *a\n", 1, "undefined alias"),
}


def write(folder: Path, text: str) -> Path:
    path = folder / "headrace.yaml"
    path.write_text(text, encoding="utf-8")
    return path


IN_BAD = {
    "DB_PASSWORD": "hunter2",
    "MINE": "hunter2",
    "API_KEY": "hunter2",
    "TOKEN": "hunter2",
    "DATABASE": "postgresql://me:hunter2@host/db",
}


def read(folder: Path, text: str, patterns: list[str] | None = None, **environment: str) -> Project:
    return read_file(
        write(folder, text), patterns, environment, {"rows": 7, "team": "mill"}.__getitem__
    ).project


def test_a_variable_alone_keeps_its_type_and_within_a_text_is_text(tmp_path: Path) -> None:
    more = (
        "    parameters: {rows: '{{ variable.rows }}', note: '{{ variable.team }} has {{variable.rows}}'}\n"
    )
    (one,) = read(tmp_path, HEAD + ONE + more).deployments
    assert one.parameters == {"rows": 7, "note": "mill has 7"}


def test_a_whole_file(tmp_path: Path) -> None:
    project = read(tmp_path, GOOD, TEAM="mill", VERSION="7")
    load, report = project.deployments
    assert (load.tags, report.tags) == (["etl"], [])
    assert (load.parameters, report.parameters) == ({"rows": 10, "day": "2026-01-31"}, {"rows": 10})
    assert load.work_pool.model_dump() == {
        "name": "pool",
        "work_queue_name": "fast",
        "job_variables": {"env": {"A": "1"}, "nice": 0},
    }
    assert load.schedules and load.schedules[0].timezone == "Europe/Berlin"
    assert load.pull == [{"git_clone": {"repository": "https://git.example/mill.git"}}]
    assert (report.version, report.pull) == ("7", [{"set_working_directory": {"directory": "/srv"}}])


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["etl-*"], ["etl-a"]),
        (["report"], ["report"]),
        (["load/*"], ["etl-a"]),
        (["take-stock/report"], ["report"]),
        (["*"], ["etl-a", "report"]),
    ],
)
def test_some_by_pattern(tmp_path: Path, patterns: list[str], found: list[str]) -> None:
    project = read(tmp_path, GOOD, patterns, TEAM="mill", VERSION="7")
    assert [each.name for each in project.deployments] == found


def test_what_is_not_deployed_needs_no_environment(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD, ["etl-a"], TEAM="mill").deployments[0].name == "etl-a"
    with pytest.raises(FileProblems, match="no VERSION"):
        read(tmp_path, GOOD, ["report"], TEAM="mill")


def test_what_is_no_secret_is_filled_in_and_steps_that_run_here_may_have_any(tmp_path: Path) -> None:
    more = (
        "    parameters: {stage: '{{ env.STAGE }}', max_tokens: '{{ env.MAX_TOKENS }}'}\n"
        "    work_pool: {job_variables: {env: {SORT_KEY: '{{ env.KEY }}', KEY_FILE: '{{ env.KEY_FILE }}'}}}\n"
        "    push: [{run_shell_script: {script: 'push {{ env.TOKEN }}'}}]\n"
    )
    environment = {"STAGE": "prod", "MAX_TOKENS": "7", "KEY": "day", "KEY_FILE": "/k", "TOKEN": "hunter2"}
    (one,) = read(tmp_path, HEAD + ONE + more, **environment).deployments
    assert one.parameters == {"stage": "prod", "max_tokens": "7"}
    assert one.work_pool.job_variables == {"env": {"SORT_KEY": "day", "KEY_FILE": "/k"}}
    assert one.push == [{"run_shell_script": {"script": "push hunter2"}}]


def test_what_an_earlier_step_gives_is_left_to_the_worker(tmp_path: Path) -> None:
    steps = (
        "      - run_shell_script: {id: mk, script: 'echo {{ env.STAGE }}'}\n"
        "      - set_working_directory: {directory: '{{ mk.stdout }}/{{ env.STAGE }}'}\n"
    )
    for text in (HEAD + ONE + "    pull:\n" + steps, f"name: a\npull:\n{steps}" + "deployments:\n" + ONE):
        (one,) = read(tmp_path, text, STAGE="prod").deployments
        assert one.pull and one.pull[0]["run_shell_script"]["script"] == "echo prod"  # type: ignore[index]
        assert one.pull[1] == {"set_working_directory": {"directory": "{{ mk.stdout }}/prod"}}
    for wrong in (
        "    pull:\n      - set_working_directory: {directory: '{{ mk.stdout }}'}\n"
        "      - run_shell_script: {id: mk, script: x}\n",
        "    description: '{{ mk.stdout }}'\n    pull: [{run_shell_script: {id: mk, script: x}}]\n",
    ):
        with pytest.raises(FileProblems, match=r"mk\.stdout \}\} means nothing here"):
            read(tmp_path, HEAD + ONE + wrong)


def test_labels_path_and_commands_become_the_deployments(tmp_path: Path) -> None:
    text = (
        "name: shop\ndefaults: {work_pool: {name: pool, job_variables: {nice: 1}}, labels: {team: mill, tier: 1}}\n"
        "deployments:\n  - {name: a, entrypoint: f.py:f, labels: {tier: 2}, path: flows}\n"
        "  - {name: b, command: sh run.sh}\n  - {name: c, command: sh run.sh, flow_name: shell}\n"
    )
    entries = read(tmp_path, text).deployments
    a, b, c = (wanted_of(one, one.flow_name or one.name, {}, Sources(tmp_path)) for one in entries)
    assert (a.body["labels"], a.body["path"]) == ({"team": "mill", "tier": 2}, "flows")
    assert (b.key, b.body["entrypoint"], b.body["labels"]) == ("b/b", None, {"team": "mill", "tier": 1})
    assert b.body["job_variables"] == {"nice": 1, "command": "sh run.sh"}
    assert c.key == "shell/c"


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as error:
        read(tmp_path, GOOD, ["elt-*"], TEAM="mill", VERSION="7")
    assert "etl-a, report" in str(error.value.hint)


@pytest.mark.parametrize(("text", "line", "said"), BAD.values(), ids=BAD.keys())
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(FileProblems) as error:
        read(tmp_path, text, **IN_BAD)
    first = error.value.problems[0]
    assert f"headrace.yaml:{line}: " in str(error.value), str(error.value)
    assert "hunter2" not in str(error.value)
    assert said in first.message


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileProblems) as error:
        read(tmp_path, HEAD + "  - name: a\n  - name: b\n    entrypoint: f.py:f\n    pased: true\n")
    assert [problem.line for problem in error.value.problems] == [3, 6]


def test_aliases_of_aliases_end(tmp_path: Path) -> None:
    layers = "".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 12))
    with pytest.raises(FileProblems, match="more than 100000 members"):
        read(tmp_path, f"name: a\ndefinitions:\n  l0: &l0 [x, x]\n{layers}")


def test_git_templates(tmp_path: Path) -> None:
    text = HEAD + ONE + '    version: "{{ git.branch }}-{{ git.commit }} \\\\{{ x }}"\n'
    with pytest.raises(FileProblems, match="git knows no branch here"):
        read(tmp_path, text)
    for words in (["init", "-q", "-b", "trunk"], ["commit", "-q", "--allow-empty", "-m", "a"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", "-C", tmp_path, *identity, *words], check=True)
    head = subprocess.run(
        ["git", "-C", tmp_path, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    assert read(tmp_path, text).deployments[0].version == f"trunk-{head.stdout.strip()} {{{{ x }}}}"


def test_the_published_schema_is_up_to_date() -> None:
    page = (ROOT / "docs/reference/headrace.schema.json").read_text(encoding="utf-8")
    assert page == schema_text(), "Write it anew with: make docs"


def test_the_schema_takes_the_good_and_refuses_the_bad() -> None:
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(json.loads(schema_text()))
    assert not [*validator.iter_errors(parse_yaml(GOOD, "x").data)]
    assert [*validator.iter_errors({"name": "a", "deployments": [{"name": "a"}]})]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_new_file_is_right(tmp_path: Path, recipe: str) -> None:
    text = new_file("my: shop", recipe)
    assert text.startswith("# yaml-language-server: $schema=")
    assert read(tmp_path, text).name == "my: shop"


ENTRY: dict[str, Any] = {"name": "new", "entrypoint": "f.py:g", "tags": ["t"]}


@pytest.mark.parametrize(
    "text",
    [
        "name: shop\n",
        "name: shop",
        "name: shop\ndeployments: []\n",
        "name: shop\ndeployments:\n",
        HEAD + ONE,
        (HEAD + ONE).rstrip("\n"),
        "name: shop\ndeployments:\n- name: a\n  entrypoint: f.py:f\n\n# the end\ndefaults: {tags: [x]}\n",
    ],
)
def test_one_more_deployment_keeps_the_rest(tmp_path: Path, text: str) -> None:
    once = with_deployment(text, ENTRY)
    project = read(tmp_path, once)
    assert project.deployments[-1].name == "new"
    assert len(project.deployments) == text.count("- name: a") + 1
    assert ("# the end" in once) == ("# the end" in text)
    assert with_deployment(once, ENTRY) == once
    changed = read(tmp_path, with_deployment(once, ENTRY | {"tags": ["u"]})).deployments
    assert [each.name for each in changed] == [each.name for each in project.deployments]
    assert changed[-1].tags == ["u"]


@pytest.mark.parametrize("text", ["{name: a}\n", "{name: a, deployments: []}\n"])
def test_a_file_in_braces_is_left_alone(text: str) -> None:
    with pytest.raises(ProjectError, match="written in braces"):
        with_deployment(text, ENTRY)


def test_environments_are_merged_as_well(tmp_path: Path) -> None:
    text = (
        "name: p\ndefaults: {work_pool: {name: pool, job_variables: {nice: 5, env: {A: 1, C: 1}}}}\ndeployments:\n"
        + ONE
        + "    work_pool: {job_variables: {env: {B: 2, C: 2}}}\n"
    )
    (one,) = read(tmp_path, text).deployments
    assert one.work_pool.job_variables == {"nice": 5, "env": {"A": 1, "B": 2, "C": 2}}


def test_secrets_that_are_written_out_are_refused_wherever_they_would_be_stored(tmp_path: Path) -> None:
    env = "{DB_PASSWORD: hunter2, USE_TOKEN: yes, SORT_KEY: a, API_TOKEN: {$secret: 'env:X'}, STEP_KEY: '{{ a.b }}'}"
    text = (
        HEAD
        + ONE
        + f"    work_pool: {{name: pool, job_variables: {{env: {env}}}}}\n"
        + "    build: [{run_shell_script: {script: x, env: {API_TOKEN: hunter2}}}]\n"
        + "    pull:\n"
        + "      - run_shell_script: {script: x, id: a, env: {API_TOKEN: hunter2, EMPTY_SECRET: ''}}\n"
    )
    (one,) = read(tmp_path, text.replace("'{{ a.b }}'", "''")).deployments
    with pytest.raises(ProjectError) as raised:
        wanted_of(one, "f", {}, Sources(tmp_path))
    assert [place for place, _ in raised.value.mistakes] == [
        ("work_pool", "job_variables", "env", "DB_PASSWORD"),
        ("pull", 0, "run_shell_script", "env", "API_TOKEN"),
    ]
    assert "hunter2" not in raised.value.message
