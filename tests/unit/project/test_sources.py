"""Pull steps are completed where the code is: commits pinned, bundles packed, folders named. Real git."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from headrace.project.errors import ProjectError
from headrace.project.git import is_same_repository, read_checkout, without_secrets
from headrace.project.sources import BUNDLE, GIT, LOCAL, PREFIX, Sources


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with one pushed commit, and a remote whose address a password got into."""
    folder = tmp_path / "clone"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "flows.py").write_text("x = 1\n")
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "a")
    git(folder, "remote", "add", "origin", str(tmp_path / "origin.git"))
    git(folder, "push", "-q", "origin", "main")
    git(folder, "remote", "set-url", "origin", "https://me:hunter2@git.example/shop.git")
    return folder


def test_the_commit_that_is_here_is_pinned_and_the_password_left_out(clone: Path) -> None:
    head = git(clone, "rev-parse", "HEAD")
    (step,) = Sources(clone).steps([{"git_clone": None}])
    assert step == {GIT: {"repository": "https://git.example/shop.git", "branch": "main", "commit": head}}


def test_another_branch_is_pinned_where_its_remote_is(clone: Path) -> None:
    git(clone, "checkout", "-q", "-b", "next")
    git(clone, "commit", "-q", "--allow-empty", "-m", "b")
    old = git(clone, "rev-parse", "origin/main")
    (step,) = Sources(clone).steps([{GIT: {"branch": "main"}}])
    assert step[GIT]["commit"] == old != git(clone, "rev-parse", "HEAD")


def test_a_short_commit_is_written_out(clone: Path) -> None:
    head = git(clone, "rev-parse", "HEAD")
    (step,) = Sources(clone).steps([{GIT: {"commit": head[:8]}}])
    assert step[GIT] == {"repository": "https://git.example/shop.git", "commit": head}


def test_a_tag_is_pinned_where_it_points(clone: Path) -> None:
    git(clone, "tag", "v1")
    git(clone, "commit", "-q", "--allow-empty", "-m", "b")
    (step,) = Sources(clone).steps([{GIT: {"tag": "v1"}}])
    expected = {
        "repository": "https://git.example/shop.git",
        "tag": "v1",
        "commit": git(clone, "rev-parse", "v1"),
    }
    assert step[GIT] == expected
    (unknown,) = Sources(clone).steps([{GIT: {"tag": "v2"}}])
    assert "commit" not in unknown[GIT] and "branch" not in unknown[GIT]


def test_a_followed_branch_is_not_pinned(clone: Path) -> None:
    (step,) = Sources(clone).steps([{GIT: {"track": "branch"}}])
    assert step[GIT] == {"repository": "https://git.example/shop.git", "branch": "main", "track": "branch"}


def test_below_the_root_the_worker_goes_there_too(clone: Path) -> None:
    first, second = Sources(clone / "sub").steps([{GIT: {}}])
    assert GIT in first and second == {LOCAL: {"directory": "sub"}}
    own = [{GIT: {}}, {LOCAL: {"directory": "other"}}]
    assert len(Sources(clone / "sub").steps(own)) == 2


def test_what_cannot_be_known_is_asked_for(tmp_path: Path, clone: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.raises(ProjectError, match="no clone with a remote") as error:
        Sources(elsewhere).steps([{GIT: {}}])
    assert "--repository" in str(error.value.hint)
    other = "https://git.example/other.git"
    with pytest.raises(ProjectError, match=f"clone of https://git.example/shop.git, not of {other}") as error:
        Sources(clone).steps([{GIT: {"repository": other, "branch": "main"}}])
    assert "--commit" in str(error.value.hint)
    with pytest.raises(ProjectError, match=f"this folder is no clone of {other}"):
        Sources(elsewhere).steps([{GIT: {"repository": other, "branch": "main"}}])
    with pytest.raises(ProjectError, match="this clone has no such branch"):
        Sources(clone).steps([{GIT: {"branch": "nowhere"}}])


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example/shop",
        "https://git.example/shop.git/",
        "https://GIT.example:8443/shop.git",
        "ssh://git@git.example/shop.git",
        "git@git.example:shop.git",
        "git.example:shop",
    ],
)
def test_an_address_of_the_same_repository_is_pinned_by_its_clone(clone: Path, address: str) -> None:
    (step,) = Sources(clone).steps([{GIT: {"repository": address, "branch": "main"}}])
    assert step[GIT] == {"repository": address, "branch": "main", "commit": git(clone, "rev-parse", "HEAD")}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/srv/a.git", "file:///srv/a", True),
        ("file:///srv/a%20b", "/srv/a b", True),
        ("https://git.example/a", "https://git.example/b", False),
        ("https://git.example/a", "https://other.example/a", False),
        ("git@git.example:team/a.git", "https://git.example/a.git", False),
        ("/srv/a", "https://git.example/srv/a", False),
    ],
)
def test_which_addresses_are_of_one_repository(one: str, other: str, same: bool) -> None:
    assert (is_same_repository(one, other), is_same_repository(other, one)) == (same, same)


def test_a_piece_of_a_hash_is_made_whole_or_refused(tmp_path: Path, clone: Path) -> None:
    whole = git(clone, "rev-parse", "HEAD")
    (step,) = Sources(clone).steps([{GIT: {"commit": whole[:8]}}])
    assert step[GIT]["commit"] == whole
    for place in (clone, tmp_path):
        with pytest.raises(ProjectError, match="'abc' is no full hash"):
            Sources(place).steps([{GIT: {"repository": "https://git.example/shop.git", "commit": "abc"}}])


def test_a_password_in_the_address_is_refused(clone: Path) -> None:
    with pytest.raises(ProjectError, match="password or token") as error:
        Sources(clone).steps(
            [{GIT: {"repository": "https://x:hunter2@git.example/a.git", "commit": "a" * 40}}]
        )
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://a:b@git.example/x.git", "https://git.example/x.git"),
        ("https://token@git.example:8443/x", "https://git.example:8443/x"),
        ("https://x-access-token@git.example/x", "https://x-access-token@git.example/x"),
        ("https://x-access-token:hunter2@git.example/x", "https://git.example/x"),
        ("https://ghp_0123456789@git.example/x", "https://git.example/x"),
        ("https://git.example/x?a=1&access_token=hunter2", "https://git.example/x?a=1"),
        ("https://git.example/x?private_token=hunter2", "https://git.example/x"),
        ("ssh://git@git.example/x.git", "ssh://git@git.example/x.git"),
        ("git@git.example:x.git", "git@git.example:x.git"),
        ("/srv/x.git", "/srv/x.git"),
    ],
)
def test_secrets_leave_addresses(url: str, clean: str) -> None:
    assert without_secrets(url) == clean


def test_a_bundle_is_packed_once_and_deleted_in_the_end(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text("x = 1\n")
    with Sources(tmp_path).kept() as sources:
        first, second = (sources.steps([{"pull_bundle": {}}])[0][BUNDLE] for _ in "ab")
        assert first == second and first["digest"].startswith("sha256:") and first["size"] > 0
        assert sources.packed and sources.packed.path.exists()
    assert not sources.packed.path.exists()


def test_other_steps_stay_as_they_are(tmp_path: Path) -> None:
    steps = Sources(tmp_path).steps(
        [{"set_working_directory": {}}, {"my.steps.fetch": {"a": 1}}, {"pip_install": None}]
    )
    assert steps == [
        {LOCAL: {"directory": str(tmp_path)}},
        {"my.steps.fetch": {"a": 1}},
        {PREFIX + "pip_install": {}},
    ]


def test_knows_what_is_not_committed_and_not_pushed(clone: Path) -> None:
    here = read_checkout(clone / "sub")
    assert here and here.commit and (here.prefix, here.branch) == ("sub", "main")
    file = clone / "sub" / "flows.py"
    assert not here.changed([file]) and here.is_commit_pushed(here.commit)
    file.write_text("x = 2\n")
    assert here.changed([file]) == {file}
    git(clone, "commit", "-q", "-a", "-m", "b")
    again = read_checkout(clone)
    assert again and again.commit and not again.changed([file]) and not again.is_commit_pushed(again.commit)
    (clone / "new.py").write_text("")
    (clone / "made").mkdir()
    (clone / "made" / "c.py").write_text("")
    (clone / ".gitignore").write_text("made/c.py\n")
    both = [clone / "new.py", clone / "made" / "c.py"]
    assert again.changed([*both, file]) == set(both)


def test_steps_that_cannot_work_are_refused_all_at_once(tmp_path: Path) -> None:
    wrong = [
        {"git_clone": {"repo": "https://host.invalid/x.git"}},
        {"run_shell_script": {"directory": "a"}},
        {"pip_install": {"packages": 3}},
        {"mine.step": {"anything": 1}},
        {"run_shel_script": {}},
    ]
    with pytest.raises(ProjectError) as raised:
        Sources(tmp_path).steps(wrong)
    assert [(place[1:], text.partition(";")[2] or text) for place, text in raised.value.mistakes] == [
        ((0, "git_clone", "repo"), " did you mean 'repository'?"),
        ((1, "run_shell_script"), "lacks 'script'"),
        ((2, "pip_install", "packages"), "must be a text or a list"),
        ((4, "run_shel_script"), " did you mean 'run_shell_script'?"),
    ]


@pytest.mark.parametrize("prefix", ["", PREFIX, "prefect.deployments.steps."])
def test_a_folder_of_the_project_is_written_out(tmp_path: Path, prefix: str) -> None:
    """Its worker was started elsewhere; a folder that is not here is one of the worker's host."""
    (tmp_path / "flows" / "deep").mkdir(parents=True)
    for given, expected in ((".", tmp_path), ("flows", tmp_path / "flows"), ("/srv/x", "/srv/x"), ("x", "x")):
        (step,) = Sources(tmp_path).steps([{f"{prefix}set_working_directory": {"directory": given}}])
        assert list(step.values()) == [{"directory": str(expected)}]


@pytest.mark.parametrize(
    "before",
    [{"pull_bundle": {"digest": "sha256:0", "size": 1}}, {LOCAL: {"directory": "/srv"}}, {"my.step": {}}],
)
def test_a_folder_of_what_came_before_it_is_not(tmp_path: Path, before: dict[str, Any]) -> None:
    (tmp_path / "flows").mkdir()
    step = {LOCAL: {"directory": "flows"}}
    assert Sources(tmp_path).steps([before, step])[-1] == step


def test_a_script_before_it_brings_no_folder(tmp_path: Path) -> None:
    script = {PREFIX + "run_shell_script": {"script": "true"}}
    assert Sources(tmp_path).steps([script, {LOCAL: {"directory": "."}}])[-1][LOCAL] == {
        "directory": str(tmp_path)
    }
