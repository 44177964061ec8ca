"""Flows are found by reading alone, on trees as they are: aliases, detours, broken files, environments."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from headrace.project.discovery import LARGEST, find_flows, is_task

FLOW = "from headrace import flow\n\n@flow\ndef {name}():\n    '''Does {name}.'''\n"

SPELLINGS = {
    "bare": "from headrace import flow\n@flow\ndef one(): ...",
    "called": "from headrace import flow\n@flow(retries=2)\ndef one(): ...",
    "attribute": "import headrace\n@headrace.flow\ndef one(): ...",
    "attribute, called": "import headrace\n@headrace.flow(name='one')\ndef two(): ...",
    "module by another name": "import headrace as hr\n@hr.flow()\ndef one(): ...",
    "alias": "from headrace import flow as f\n@f\ndef one(): ...",
    "submodule": "from headrace.flows import flow\n@flow\ndef one(): ...",
    "submodule, whole": "import headrace.flows\n@headrace.flows.flow\ndef one(): ...",
    "everything": "from headrace import *\n@flow\ndef one(): ...",
    "assigned": "from headrace import flow\njob = flow\n@job\ndef one(): ...",
    "partial": "from functools import partial\nfrom headrace import flow\n"
    "job = partial(flow, retries=1)\n@job\ndef one(): ...",
    "configured": "from headrace import flow\njob = flow(retries=3)\n@job\ndef one(): ...",
    "configured, through the module": "import headrace\njob = headrace.flow()\n@job\ndef one(): ...",
    "made by assignment": "from headrace import flow\ndef one(): ...\njob = flow(one)",
    "made with options": "import headrace\njob: object = headrace.flow(name='one', retries=2)(max)",
    "made of a name elsewhere": "import math\nfrom headrace import flow\njob = flow(math.one)",
    "made, options beside": "from headrace import flow\njob = flow(max, name='one')",
    "async": "from headrace import flow\n@flow\nasync def one(): ...",
    "below others": "from headrace import flow\nimport functools\n@functools.cache\n@flow\n@str\ndef one(): ...",
    "in a try": "try:\n    from headrace import flow\nexcept ImportError:\n    raise\n@flow\ndef one(): ...",
    "under a condition": "from headrace import flow\nif True:\n    @flow\n    def one(): ...",
    "with a byte order mark": "\ufefffrom headrace import flow\n@flow\ndef one(): ...",
}
TASKS = {
    "bare": ("from headrace import flow, task\n@task\ndef one(): ...", True),
    "called": ("from headrace.tasks import task as step\n@step(retries=1)\nasync def one(): ...", True),
    "attribute": ("import headrace as hr\n@hr.task\ndef one(): ...", True),
    "a flow": ("from headrace import flow, task\n@flow\ndef one(): ...\n@task\ndef two(): ...", False),
    "another library's": ("from celery import task\n@task\ndef one(): ...", False),
    "broken": ("from headrace import task\n@task\ndef one(:", False),
}
OTHERS = {
    "another library's": "from prefect import flow\n@flow\ndef one(): ...",
    "the module's own": "def flow(f): return f\n@flow\ndef one(): ...",
    "inside a function": "from headrace import flow\ndef make():\n    @flow\n    def one(): ...",
    "a method": "from headrace import flow\nclass A:\n    @flow\n    def one(self): ...",
    "in a text": "'''\nfrom headrace import flow\n@flow\ndef one(): ...\n'''",
    "a decorator with options": "from headrace import flow\nretried = flow(retries=2)",
    "called inside a function": "from headrace import flow\ndef make():\n    job = flow(max)",
    "another library's, assigned": "from prefect import flow\nheadrace = flow(max)",
    "another attribute": "import headrace\n@headrace.task\ndef flow(): ...",
}


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path = path.with_name(f"{path.name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def names(folder: Path) -> list[str]:
    return [flow.name for flow in find_flows(folder).flows]


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_spelling(tmp_path: Path, text: str) -> None:
    write(tmp_path, flows=text)
    assert names(tmp_path) == ["one"]


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_no_flow_of_ours(tmp_path: Path, text: str) -> None:
    write(tmp_path, flows=text)
    assert names(tmp_path) == []


def test_says_file_name_and_first_line(tmp_path: Path) -> None:
    text = (
        "from headrace import flow\n\n@flow(name='the-first')\ndef a_b():\n    '''\n    First line.\n\n    More.'''\n"
        "@flow(description='Said here.')\nasync def c_d(): ...\n"
    )
    write(tmp_path, etl__jobs=text)
    first, second = find_flows(tmp_path).flows
    assert (first.entrypoint, first.name, first.summary, first.line) == (
        "etl/jobs.py:a_b",
        "the-first",
        "First line.",
        4,
    )
    assert (second.name, second.summary, second.is_async) == ("c-d", "Said here.", True)


@pytest.mark.parametrize(
    "use",
    [
        "from shop.common import flow\n@flow\ndef one(): ...",
        "from .common import flow as f\n@f\ndef one(): ...",
        "from shop import common\n@common.flow\ndef one(): ...",
        "from . import common\n@common.flow(retries=1)\ndef one(): ...",
        "import shop.common\n@shop.common.flow\ndef one(): ...",
        "from .common import *\n@flow\ndef one(): ...",
        "from common import job\n@job\ndef one(): ...",
        "from shop.again import flow\n@flow\ndef one(): ...",
    ],
)
def test_a_decorator_passed_on(tmp_path: Path, use: str) -> None:
    common = "from headrace import flow\nfrom shop import again\njob = flow\n"
    write(
        tmp_path,
        shop__common=common,
        shop__again="from .common import flow\n",
        shop__jobs=use,
        shop____init__="",
    )
    assert names(tmp_path) == ["one"]


def test_modules_that_import_each_other_end(tmp_path: Path) -> None:
    write(tmp_path, a="from b import flow\n@flow\ndef one(): ...", b="from a import flow\n")
    assert names(tmp_path) == []


def test_a_flow_made_by_assignment_is_found_by_the_name_on_the_left(tmp_path: Path) -> None:
    text = "from headrace import flow\nasync def load_all():\n    '''Loads.'''\nnightly = flow(load_all)\n"
    write(tmp_path, flows=text)
    (found,) = find_flows(tmp_path).flows
    assert (found.entrypoint, found.name, found.line) == ("flows.py:nightly", "load-all", 4)
    assert (found.summary, found.is_async) == ("Loads.", True)


def test_what_cannot_be_read_is_listed_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path, good=FLOW.format(name="good"), broken="from headrace import flow\n@flow\ndef (:\n")
    (tmp_path / "binary.py").write_bytes(b"@flow \0 headrace flow")
    (tmp_path / "huge.py").write_bytes(b"# flow headrace\n" * (LARGEST // 16 + 1))
    found = find_flows(tmp_path)
    assert [flow.name for flow in found.flows] == ["good"]
    reasons = {skipped.file: skipped.reason for skipped in found.skipped}
    assert reasons.keys() == {"binary.py", "broken.py", "huge.py"}
    assert reasons["broken.py"].startswith("syntax error, line 3")


def test_leaves_out_what_is_not_the_users(tmp_path: Path) -> None:
    flow = FLOW.format(name="one")
    write(tmp_path, jobs=flow, venv__x=flow, node_modules__x=flow, mine__lib__x=flow, **{".hidden__x": flow})
    (tmp_path / "mine" / "pyvenv.cfg").write_text("")
    (tmp_path / "stub.pyi").write_text(flow)
    (tmp_path / "book.ipynb").write_text(flow)
    assert [each.file for each in find_flows(tmp_path).flows] == ["jobs.py"]


def test_git_decides_what_is_ignored(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    flow = FLOW.format(name="one")
    write(tmp_path, tracked=flow, untracked=flow, scratch__x=flow, pets__x=flow, gone=flow)
    (tmp_path / "pets" / "pyvenv.cfg").write_text("")
    (tmp_path / ".gitignore").write_text("scratch/\n")
    subprocess.run(["git", "-C", tmp_path, "add", "tracked.py", "gone.py"], check=True)
    (tmp_path / "gone.py").unlink()
    assert [each.file for each in find_flows(tmp_path).flows] == ["tracked.py", "untracked.py"]
    assert [each.file for each in find_flows(tmp_path / "scratch").flows] == []


def test_without_git_what_it_would_ignore_is_left_out_as_well(tmp_path: Path) -> None:
    flow = FLOW.format(name="one")
    write(tmp_path, jobs=flow, scratch__x=flow, pets__cat=flow, pets__dog=flow, deep__er__x=flow)
    (tmp_path / ".gitignore").write_text("scratch/\npets/*\n!pets/dog.py\n")
    (tmp_path / "deep" / ".gitignore").write_text("/er\n")
    assert [flow.file for flow in find_flows(tmp_path).flows] == ["jobs.py", "pets/dog.py"]


def test_of_five_thousand_files_few_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps it fast is counted, not timed: each file that may have a flow is parsed once, and no other."""
    for folder in range(50):
        (tmp_path / f"part{folder}").mkdir()
        for number in range(100):
            text = FLOW.format(name="one") if number == 0 else "# The workflow.\nx = overflow = 1\n"
            (tmp_path / f"part{folder}" / f"module{number}.py").write_text(text)
    parsed: list[str] = []
    parse = ast.parse

    def counted(source: bytes, filename: str) -> ast.Module:
        parsed.append(filename)
        return parse(source, filename=filename)

    monkeypatch.setattr(ast, "parse", counted)
    found = find_flows(tmp_path)
    assert (found.files, len(found.flows)) == (5000, 50)
    assert sorted(parsed) == sorted(flow.file for flow in found.flows)


def test_nothing_is_imported(tmp_path: Path) -> None:
    write(tmp_path, loud=f"open({str(tmp_path / 'ran')!r}, 'w')\n" + FLOW.format(name="one"))
    assert names(tmp_path) == ["one"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(("code", "wanted"), TASKS.values(), ids=TASKS)
def test_a_task_is_told_from_a_flow(tmp_path: Path, code: str, wanted: bool) -> None:
    (tmp_path / "etl.py").write_text(code)
    assert is_task(tmp_path, "etl.py:one") is wanted
    assert not is_task(tmp_path, "nowhere.py:one")
