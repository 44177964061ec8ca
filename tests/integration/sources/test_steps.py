"""Shell scripts, virtual environments and the user's own functions as steps, by way of `prepare`."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from headrace.contract.pull_steps import MEMBERS, PREFECTS, PREFIX
from headrace.contract.sync import Grant
from headrace.worker.prepare import PrepareError, prepare
from headrace.worker.sources import Workshop, environments
from headrace.worker.sources.git_options import read_options
from tests.integration.sources.conftest import Origin, Site

S = "headrace.deployments.steps."


def grant(*steps: dict[str, Any], **configuration: Any) -> Grant:
    return Grant.model_validate(
        {
            "run": uuid4(),
            "attempt": 1,
            "name": "n",
            "flow_name": "f",
            "work_queue_name": "q",
            "entrypoint": "flow.py:f",
            "expected_start_time": "2026-01-01T00:00:00Z",
            "configuration": configuration,
            "pull_steps": list(steps),
        }
    )


def go_to(folder: Path) -> dict[str, Any]:
    return {f"{S}set_working_directory": {"directory": str(folder)}}


def test_scripts_feed_later_steps(site: Site, tmp_path: Path) -> None:
    script = {"script": "mkdir -p made && echo made", "id": "mk", "directory": str(tmp_path)}
    steps = [{f"{S}run_shell_script": script}, go_to(tmp_path), go_to(Path("{{ mk.stdout }}"))]
    launch = prepare(grant(*steps), site.environ)
    assert launch.cwd == str(tmp_path / "made")
    assert launch.notes == ("made",)


@pytest.mark.parametrize(("said", "is_on"), [("false", False), (" No ", False), ("true", True)])
def test_a_text_may_say_false(site: Site, said: str, is_on: bool) -> None:
    options = {"script": "echo hello", "stream_output": said}
    assert prepare(grant({f"{S}run_shell_script": options}), site.environ).notes == ("hello",) * is_on
    assert read_options({"repository": "https://h/r", "include_submodules": said}).submodules is is_on


def test_a_failing_script_is_told_with_its_output_and_without_secrets(site: Site) -> None:
    site.environ |= {"DEPLOY_TOKEN": "hunter2-hunter2", "HEADRACE_API_KEY": "api-key-of-worker"}
    script = 'echo "$T"; env; i=0; while [ $i -lt 400 ]; do echo "a line of output $i"; i=$((i+1)); done; '
    options = {
        "script": script + 'echo "last $T" >&2; false; echo never',
        "env": {"T": {"env": "DEPLOY_TOKEN"}},
    }
    with pytest.raises(PrepareError, match=r"step 1 of 1, headrace.*run_shell_script.*exit code 1") as raised:
        prepare(grant({f"{S}run_shell_script": options}), site.environ)
    error = raised.value.error
    assert error is not None
    assert error.traceback is not None
    assert "last ***" in error.traceback
    assert "never" not in error.traceback
    assert len(error.traceback) <= 10_000
    for secret in ("hunter2", "api-key-of-worker"):
        assert secret not in error.traceback + str(raised.value)


@pytest.mark.parametrize(
    ("script", "words"),
    [("false", "`sh -e` ends a script"), ("no-such-command", "PATH"), ("./plain", "chmod")],
)
def test_a_failing_script_comes_with_advice(site: Site, script: str, words: str) -> None:
    (site.home / "plain").write_text("echo")
    options = {"script": script, "directory": str(site.home)}
    with pytest.raises(PrepareError) as raised:
        prepare(grant({f"{S}run_shell_script": options}), site.environ)
    assert words in (raised.value.error.hint if raised.value.error else "")  # type: ignore[operator]


def test_a_step_may_name_its_secrets_as_parameters_do(site: Site) -> None:
    site.environ["DEPLOY_TOKEN"] = "hunter2-hunter2"
    options = {"script": 'echo "got $T"', "env": {"T": {"$secret": "env:DEPLOY_TOKEN"}}}
    assert prepare(grant({f"{S}run_shell_script": options}), site.environ).notes == ("got ***",)


def test_a_secret_that_is_read_after_a_step_is_taken_out_of_its_output_too(site: Site) -> None:
    site.environ["DB_PASSWORD"] = "hunter2-hunter2"
    given = grant({f"{S}run_shell_script": {"script": "echo hunter2-hunter2"}})
    parameters = {"password": {"$secret": "env:DB_PASSWORD"}}
    assert prepare(given.model_copy(update={"parameters": parameters}), site.environ).notes == ("***",)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "needs `script`"),
        ({"script": "true", "directory": "/no/such"}, "not on this machine"),
        ({"script": "true", "env": {"A": {"plain": "secret"}}}, "by reference only"),
    ],
)
def test_scripts_that_cannot_run(site: Site, options: dict[str, object], words: str) -> None:
    with pytest.raises(PrepareError, match=words):
        prepare(grant({f"{S}run_shell_script": options}), site.environ)


@pytest.mark.parametrize("name", [prefix + short for prefix in (PREFIX, PREFECTS) for short in MEMBERS])
def test_each_step_that_can_be_deployed_is_known_to_the_worker(site: Site, name: str) -> None:
    with pytest.raises(PrepareError, match=name) as raised:
        prepare(grant({name: {"directory": "/no/such"}}), site.environ)
    assert "does not know" not in str(raised.value)


def test_functions_of_the_user(site: Site, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "mine.py").write_text(
        "def ready(where):\n    print('working')\n    return {'directory': where, 'n': 3}\n"
        "async def later(n):\n    return {'twice': int(n) * 2}\n"
        "def bad():\n    raise RuntimeError('went wrong')\n"
    )
    steps = [
        {"mine.later": {"n": 2, "id": "l"}},
        {"mine.ready": {"where": "out", "id": "r"}},
        {f"{S}run_shell_script": {"script": "echo {{ r.n }} {{ l.twice }} {{ untouched.x }}"}},
    ]
    launch = prepare(grant(go_to(tmp_path), *steps), site.environ)
    assert launch.cwd == str(tmp_path / "out")
    assert launch.notes == ("working", "3 4 {{ untouched.x }}")
    with pytest.raises(
        PrepareError, match=r"step 2 of 2, mine\.bad: the function mine\.bad failed"
    ) as raised:
        prepare(grant(go_to(tmp_path), {"mine.bad": {}}), site.environ)
    assert raised.value.error is not None
    assert "went wrong" in (raised.value.error.traceback or "")
    assert str(tmp_path) in (raised.value.error.hint or "")
    for unknown in ("mine.nothing", "yours.nothing", f"{S}nothing"):
        with pytest.raises(PrepareError, match="does not know the pull step"):
            prepare(grant(go_to(tmp_path), {unknown: {}}), site.environ)


def wheel(folder: Path, name: str, version: str) -> None:
    """A package with nothing but a version."""
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as zipped:
        zipped.writestr(f"{name}.py", f"version = {version!r}\n")
        zipped.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        zipped.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        zipped.writestr(f"{about}/RECORD", "")


def test_two_requirements_two_environments_and_eight_runs_make_one(site: Site, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for version in ("1.0", "2.0"):
        wheel(wheels, "dependency", version)
    site.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    (tmp_path / "requirements.txt").write_text("-r more.txt\n")
    (tmp_path / "more.txt").write_text("dependency==1.0\n")
    workshop = Workshop.of(site.environ, lambda *_: None, site.home)
    steps = [go_to(tmp_path), {"prefect.deployments.steps.pip_install_requirements": {}}]
    with ThreadPoolExecutor(8) as pool:
        launches = list(pool.map(lambda _: prepare(grant(*steps), site.environ, workshop), range(8)))
    first = launches[0]
    assert {launch.argv[0] for launch in launches} == {first.argv[0]}
    assert said(first.argv[0], "import dependency; print(dependency.version)") == "1.0"
    assert said(first.argv[0], "import headrace.engine.run, sys; print('httpx' in sys.modules)") == "False"
    assert first.env["PATH"].startswith(str(Path(first.argv[0]).parent))
    packages = {f"{S}pip_install": {"packages": ["dependency==2.0"]}}
    second = prepare(grant(packages, command=["python", "-c", "pass"]), site.environ, workshop)
    assert (
        said(f"{second.env['VIRTUAL_ENV']}/bin/python", "import dependency as d; print(d.version)") == "2.0"
    )
    assert len(workshop.cache.entries()) == 2
    (tmp_path / "more.txt").write_text("dependency==3.0\n")
    with pytest.raises(PrepareError, match="pip install ended with exit code") as raised:
        prepare(grant(*steps), site.environ, workshop)
    assert "3.0" in str(raised.value.error and raised.value.error.traceback)
    assert "no such package or version" in str(raised.value.error and raised.value.error.hint)
    assert len(workshop.cache.entries()) == 2


def test_a_second_step_adds_to_what_the_first_installed(site: Site, tmp_path: Path) -> None:
    for name in ("one", "other"):
        wheel(tmp_path, name, "1.0")
    site.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    (tmp_path / "requirements.txt").write_text("one\n")
    steps = [{f"{S}pip_install_requirements": {"directory": str(tmp_path)}}]
    steps.append({f"{S}pip_install": {"packages": ["other"]}})
    launch = prepare(grant(*steps), site.environ)
    assert said(launch.argv[0], "import one, other; print(one.version, other.version)") == "1.0 1.0"


def test_a_requirements_file_may_name_one_elsewhere(site: Site, tmp_path: Path) -> None:
    more = tmp_path / "more.txt"
    more.write_text("pinned==1\n")
    elsewhere = ["-c https://example.org/constraints.txt", "-r https://example.org/more.txt"]
    (tmp_path / "requirements.txt").write_text("\n".join([*elsewhere, f"-r {more.as_uri()}"]))
    content = environments._content(["-r", "requirements.txt"], tmp_path)
    assert content == [*elsewhere, f"-r {more.as_uri()}", "pinned==1"]


@pytest.mark.parametrize("line", [".", "-e .", "../local[more]", "local @ file:{folder}"])
def test_a_local_package_that_was_edited_is_installed_anew(site: Site, tmp_path: Path, line: str) -> None:
    folder = tmp_path / "local"
    folder.mkdir()
    (folder / "module.py").write_text("a = 1\n")
    (folder / "requirements.txt").write_text(line.format(folder=folder))

    def content() -> list[str]:
        return environments._content(["-r", "requirements.txt"], folder)

    first = content()
    (folder / "build" / "lib").mkdir(parents=True)
    (folder / "build" / "lib" / "module.py").write_text("")
    (folder / "local.egg-info").mkdir()
    (folder / "local.egg-info" / "PKG-INFO").write_text("")
    assert content() == first, "what pip makes does not count"
    (folder / "module.py").write_text("a = 2, edited\n")
    assert content() != first


def said(python: str, code: str) -> str:
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, env=env)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("git_clone", {}, "needs `repository`"),
        ("git_clone", {"repository": "https://me:secret@host/x.git"}, "password in its address"),
        ("git_clone", {"repository": "--upload-pack=touch /tmp/x"}, "needs `repository`"),
        ("git_clone", {"repository": "ext::sh -c true"}, "remote helpers are off"),
        ("git_clone", {"repository": "https://h/x", "access_token": "secret"}, "by reference"),
        ("git_clone", {"repository": "https://h/x", "branch": "--x"}, "no name of a branch"),
        ("git_clone", {"repository": "https://h/x", "branch": "a", "tag": "b"}, "give one"),
        ("git_clone", {"repository": "https://h/x", "commit": "abc"}, "40 characters"),
        ("git_clone", {"repository": "https://h/x", "directory": "../x"}, "no folder inside"),
        ("git_clone", {"repository": "https://h/x", "depth": 1}, "no member 'depth'"),
        ("git_clone", {"repository": "https://h/x", "credentials": "secret"}, "credentials"),
        ("git_clone", {"repository": "https://h/x", "credentials": {"token": "secret"}}, "by reference only"),
        ("pull_bundle", {"digest": "x"}, "`digest`"),
        ("pip_install", {"packages": ["--index-url=x"]}, "no package"),
        ("pip_install", {"requirements": "none.txt"}, "does not exist"),
    ],
)
def test_options_that_are_wrong(site: Site, name: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(PrepareError, match=words) as raised:
        prepare(grant({f"{S}{name}": options}), site.environ)
    assert name in str(raised.value)
    assert "secret" not in str(raised.value).replace("a secret is", "").replace("secret itself", "").replace(
        "secretsmanager", ""
    )
    assert site.count("fetch") == 0


def test_the_python_of_the_template_is_the_base(site: Site, origin: Origin) -> None:
    launch = prepare(
        grant({f"{S}git_clone": {"repository": origin.url}}, python=sys.executable), site.environ
    )
    assert launch.argv[0] == sys.executable
    assert (Path(launch.cwd) / "flow.py").exists()
