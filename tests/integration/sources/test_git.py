"""The git source against real repositories over file:// and http."""

from __future__ import annotations

import base64
import os
import random
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from headrace.worker.sources import SourceError, set_working_directory
from headrace.worker.sources.git import git_clone
from headrace.worker.sources.git_child import ASKPASS
from tests.integration.sources.conftest import Origin, Site, git, make_origin
from tests.support.git_host import GitHost

HELPER = "store"


def test_a_pinned_commit_is_fetched_once_and_kept(origin: Origin, site: Site) -> None:
    commit = origin.commit("a/flow.py", "first\n")
    origin.push()
    job = site.job()
    options = {"repository": origin.url, "commit": commit, "directory": "a"}
    result = git_clone(options, job)
    assert (job.folder / "flow.py").read_text() == "first\n"
    assert result == {"directory": str(job.folder), "commit": commit}
    again = site.job()
    git_clone(options, again)
    assert again.folder == job.folder
    assert site.count("fetch") == 1
    assert git("rev-parse", "HEAD", cwd=job.folder) == commit


def test_the_tip_of_a_branch_is_followed(origin: Origin, site: Site) -> None:
    options = {"repository": origin.url, "branch": "main", "commit": "0" * 40, "track": "branch"}
    first, second, third = site.job(), site.job(), site.job()
    git_clone(options, first)
    git_clone(options, second)
    assert second.folder == first.folder
    assert site.count("fetch") == 1
    origin.commit(text="x = 2\n")
    origin.push()
    git_clone(options, third)
    assert (third.folder / "flow.py").read_text() == "x = 2\n"
    assert (first.folder / "flow.py").read_text() == "x = 1\n"


def test_tags_and_the_default_branch(origin: Origin, site: Site) -> None:
    commit = git("rev-parse", "HEAD", cwd=origin.work)
    git("tag", "-a", "v1", "-m", "v1", cwd=origin.work)
    origin.push("v1")
    tagged, plain = site.job(), site.job()
    assert git_clone({"repository": origin.url, "tag": "v1"}, tagged)["commit"] == commit
    assert git_clone({"repository": origin.url}, plain)["commit"] == commit


def test_a_forced_branch(origin: Origin, site: Site) -> None:
    old = git("rev-parse", "HEAD", cwd=origin.work)
    git_clone({"repository": origin.url, "branch": "main"}, site.job())
    new = origin.commit(text="rewritten\n", amend=True)
    origin.push()
    git("gc", "-q", "--prune=now", cwd=origin.bare)
    job = site.job()
    assert git_clone({"repository": origin.url, "branch": "main"}, job)["commit"] == new
    pinned = site.job()
    assert git_clone({"repository": origin.url, "commit": old}, pinned)["commit"] == old
    assert (pinned.folder / "flow.py").read_text() == "x = 1\n"
    missing = origin.commit(text="never pushed\n")
    with pytest.raises(SourceError, match=f"{missing}|cannot be fetched") as raised:
        git_clone({"repository": origin.url, "commit": missing}, site.job())
    assert "forced away" in str(raised.value) or "not our ref" in raised.value.output


def test_a_commit_that_came_with_another_is_kept(origin: Origin, site: Site) -> None:
    first = git("rev-parse", "HEAD", cwd=origin.work)
    second = origin.commit(text="x = 2\n")
    origin.push()
    for commit in (second, first):
        git_clone({"repository": origin.url, "commit": commit}, site.job())
    assert site.count("fetch") == 1
    mirror = mirror_of(site)
    kept = git("for-each-ref", "--format=%(objectname)", "refs/headrace/", cwd=mirror).split()
    assert sorted(kept) == sorted([first, second])


def mirror_of(site: Site) -> Path:
    (mirror,) = (path for path in (site.workshop().cache.root / "mirrors").iterdir() if path.is_dir())
    return mirror


def test_a_fetch_that_broke_off_leaves_no_part_of_a_commit(
    origin: Origin, site: Site, backend: GitHost
) -> None:
    site.environ["TOKEN"] = str(backend.password)
    options = {"repository": backend.url(), "credentials": {"env": "TOKEN"}}
    git_clone(options, site.job())
    large = random.Random(1).randbytes(500_000).hex()
    commit = origin.commit("large", large)
    origin.push()
    backend.breaks_off = True
    with pytest.raises(SourceError):
        git_clone(options, site.job())
    with pytest.raises(subprocess.CalledProcessError):
        git("cat-file", "-e", commit, cwd=mirror_of(site))
    left = mirror_of(site) / "objects" / "pack" / "tmp_pack_left"
    left.write_text("half")
    os.utime(left, (1, 1))
    backend.breaks_off = False
    job = site.job()
    assert git_clone(options, job)["commit"] == commit
    assert (job.folder / "large").read_text() == large
    assert not left.exists()


@pytest.mark.parametrize("there", ["commit", "commit and trees"])
def test_a_mirror_that_lacks_objects_is_mended(origin: Origin, site: Site, there: str) -> None:
    git_clone({"repository": origin.url}, site.job())
    commit = origin.commit("a/flow.py", "second\n")
    origin.push()
    trees = [] if there == "commit" else [f"{commit}^{{tree}}", f"{commit}:a"]
    for name in (commit, *trees):
        one = git("rev-parse", name, cwd=origin.work)
        path = Path("objects") / one[:2] / one[2:]
        (mirror_of(site) / path).parent.mkdir(exist_ok=True)
        shutil.copy(origin.work / ".git" / path, mirror_of(site) / path)
    for _ in range(2):
        job = site.job()
        git_clone({"repository": origin.url}, job)
        assert (job.folder / "a" / "flow.py").read_text() == "second\n"
        assert (job.folder / "flow.py").read_text() == "x = 1\n"


def test_a_folder_that_is_not_in_the_commit(origin: Origin, site: Site) -> None:
    job = site.job()
    commit = git_clone({"repository": origin.url}, job)["commit"]
    with pytest.raises(SourceError, match=f"no folder 'new' in commit {commit}") as raised:
        set_working_directory({"directory": "new"}, job)
    assert "committed and pushed" in str(raised.value.hint)
    with pytest.raises(SourceError, match="/no/such is not on this machine"):
        set_working_directory({"directory": "/no/such"}, job)


def test_a_deleted_branch(origin: Origin, site: Site) -> None:
    commit = origin.commit(text="on a branch\n")
    origin.push("HEAD:feature")
    git_clone({"repository": origin.url, "branch": "feature"}, site.job())
    origin.push(":feature")
    with pytest.raises(SourceError, match=r"no longer.*'feature'.*branches main"):
        git_clone({"repository": origin.url, "branch": "feature"}, site.job())
    pinned = site.job()
    git_clone({"repository": origin.url, "branch": "feature", "commit": commit}, pinned)
    assert (pinned.folder / "flow.py").read_text() == "on a branch\n"
    cache = site.workshop().cache
    for path in (cache.root / "trees").glob("*.ready"):
        path.unlink()
    cache.evict()
    assert not pinned.folder.exists()
    mirror = next(path for path in (cache.root / "mirrors").iterdir() if path.is_dir())
    git("worktree", "prune", cwd=mirror)
    git("gc", "-q", "--prune=now", cwd=mirror)
    later = site.job()
    git_clone({"repository": origin.url, "commit": commit}, later)
    assert (later.folder / "flow.py").read_text() == "on a branch\n"
    assert site.count("fetch") == 1


def test_eight_runs_at_once_make_one_fetch(origin: Origin, site: Site) -> None:
    commit = git("rev-parse", "HEAD", cwd=origin.work)
    gate = threading.Barrier(8)

    def one(_: int) -> Path:
        job = site.job()
        gate.wait()
        git_clone({"repository": origin.url, "commit": commit}, job)
        return job.folder

    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(one, range(8)))
    assert len(folders) == 1
    assert site.count("fetch") == 1


CHILD = """
import sys
from pathlib import Path
from tests.integration.sources.conftest import Site
from headrace.worker.sources.git import git_clone
home, bin, url, commit, path = sys.argv[1:]
site = Site(Path(home), Path(bin), {"PATH": path, "HOME": home})
sys.stdin.read()
job = site.job()
git_clone({"repository": url, "commit": commit}, job)
print(job.folder)
"""


def test_several_processes_make_one_fetch(origin: Origin, site: Site) -> None:
    commit = git("rev-parse", "HEAD", cwd=origin.work)
    arguments = [str(site.home), str(site.bin), origin.url, commit, site.environ["PATH"]]
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for _ in range(3)
    ]
    said = [child.communicate(timeout=60)[0] for child in children]
    assert len(set(said)) == 1
    assert said[0]
    assert site.count("fetch") == 1


def test_sparse_folders_and_submodules(origin: Origin, site: Site, tmp_path: Path) -> None:
    inner = make_origin(tmp_path / "inner")
    inner.commit("lib.py")
    inner.push()
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.url, "sub", cwd=origin.work)
    origin.commit("wanted/a.py")
    commit = origin.commit("other/b.py")
    origin.push()
    plain, full, sparse = site.job(), site.job(), site.job()
    git_clone({"repository": origin.url, "commit": commit}, plain)
    assert not (plain.folder / "sub" / "lib.py").exists()
    git_clone({"repository": origin.url, "commit": commit, "include_submodules": True}, full)
    assert (full.folder / "sub" / "lib.py").exists()
    git_clone({"repository": origin.url, "commit": commit, "directories": ["wanted"]}, sparse)
    assert (sparse.folder / "wanted" / "a.py").exists()
    assert not (sparse.folder / "other").exists()


def test_a_folder_that_the_commit_lacks_is_named(origin: Origin, site: Site) -> None:
    commit = origin.commit("wanted/a.py")
    origin.push()
    options = {"repository": origin.url, "commit": commit, "directories": ["wanted", "nope"]}
    for _ in range(2):
        with pytest.raises(SourceError, match=f"no folder 'nope' in commit {commit}") as raised:
            git_clone(options, site.job())
        assert "`directories`" in str(raised.value.hint)


def _with_submodule(origin: Origin, url: str, commit: str) -> str:
    """A commit whose submodule `sub` is there."""
    git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub", cwd=origin.work)
    (origin.work / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = {url}\n')
    git("add", ".gitmodules", cwd=origin.work)
    git("commit", "-q", "-m", "sub", cwd=origin.work)
    return git("rev-parse", "HEAD", cwd=origin.work)


def test_a_submodule_that_moves(origin: Origin, site: Site) -> None:
    commits = []
    for number in range(6):
        inner = make_origin(origin.bare.parent / f"inner{number}")
        held = inner.commit("lib.py", f"x = {number}\n")
        inner.push()
        commits.append(_with_submodule(origin, f"../inner{number}/origin.git", held))
    origin.push()
    jobs = [site.job() for _ in commits]

    def clone(number: int) -> None:
        options = {"repository": origin.url, "commit": commits[number], "include_submodules": True}
        git_clone(options, jobs[number])

    clone(0)
    clone(1)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(clone, range(2, 6)))
    texts = [(job.folder / "sub" / "lib.py").read_text() for job in jobs]
    assert texts == [f"x = {number}\n" for number in range(6)]


def test_a_private_submodule_with_a_relative_address(
    origin: Origin, site: Site, backend: GitHost, tmp_path: Path
) -> None:
    inner = make_origin(origin.bare.parent / "other")
    inner.commit("lib.py")
    inner.push()
    inner.bare.rename(origin.bare.parent / "inner.git")
    _with_submodule(origin, "../inner.git", git("rev-parse", "HEAD", cwd=inner.work))
    origin.push()
    site.environ["TOKEN"] = backend.password
    job = site.job()
    options = {"repository": backend.url(), "credentials": {"env": "TOKEN"}, "include_submodules": True}
    git_clone(options, job)
    assert (job.folder / "sub" / "lib.py").exists()
    assert backend.password.encode() not in site.everything()


def test_a_submodule_may_not_reach_files_of_the_host(
    origin: Origin, site: Site, backend: GitHost, tmp_path: Path
) -> None:
    inner = make_origin(tmp_path / "inner")
    inner.commit("lib.py")
    inner.push()
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.url, "sub", cwd=origin.work)
    origin.commit("x.py")
    origin.push()
    site.environ["TOKEN"] = backend.password
    options = {"repository": backend.url(), "credentials": {"env": "TOKEN"}, "include_submodules": True}
    with pytest.raises(SourceError, match="git submodule failed") as raised:
        git_clone(options, site.job())
    assert "not allowed" in raised.value.output


@pytest.mark.parametrize("folder", ["", "a/b/c/"])
def test_lfs_pointers_are_named(origin: Origin, site: Site, folder: str) -> None:
    origin.commit(f"{folder}.gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    origin.commit(f"{folder}big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    origin.push()
    workshop = site.workshop()
    job = site.job(workshop)
    git_clone({"repository": origin.url}, job)
    asked = site.count("ls-files")
    git_clone({"repository": origin.url}, site.job(workshop))
    assert site.count("ls-files") == asked + 1, "only for the pointers: the attributes are known"
    assert any("big.bin" in note and "git lfs pull" in note for note in job.notes)


@pytest.mark.parametrize("reference", ["plain", "json"])
def test_a_private_repository_leaves_no_secret_anywhere(
    origin: Origin, site: Site, backend: GitHost, reference: str, tmp_path: Path
) -> None:
    store = tmp_path / ".git-credentials"
    (tmp_path / ".gitconfig").write_text(f"[credential]\n\thelper = {HELPER}\n")
    secret = backend.password
    if reference == "json":
        backend.user = "somebody"
        secret = f'{{"username": "somebody", "password": "{backend.password}"}}'
    site.environ["REPOSITORY_TOKEN"] = secret
    job = site.job()
    git_clone({"repository": backend.url(), "credentials": {"env": "REPOSITORY_TOKEN"}}, job)
    assert (job.folder / "flow.py").read_text() == "x = 1\n"
    forms = [backend.password, quote(backend.password, safe="")]
    forms += [base64.b64encode(f"{backend.user}:{backend.password}".encode()).decode()]
    written = site.everything()
    assert site.calls
    for form in forms:
        assert form.encode() not in written
        assert form not in git("config", "--list", cwd=job.folder)
        assert all(form not in path for _, path in backend.seen)
    assert not store.exists()


def test_helpers_that_want_the_path_as_well(site: Site, backend: GitHost, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text("[credential]\n\tuseHttpPath = true\n")
    site.environ["TOKEN"] = backend.password
    job = site.job()
    git_clone({"repository": backend.url(), "credentials": {"env": "TOKEN"}}, job)
    assert (job.folder / "flow.py").exists()


ASKED = {
    "Username for 'https://git.example:8443': ": "me",
    "Password for 'https://me@git.example:8443': ": "hunter2",
    "Password for 'https://me@git.example:8443/a/b.git': ": "hunter2",
    "Password for 'https://git.example': ": None,
    "Password for 'https://me@evil.example': ": None,
    "Password for 'https://me@git.example:8443.evil.example': ": None,
    "Password for 'https://evil.example//git.example:8443/x': ": None,
    "Password for 'https://evil.example/x@git.example:8443': ": None,
    "Password for 'https://git.example:8443@evil.example/': ": None,
}


@pytest.mark.parametrize(("prompt", "answer"), ASKED.items(), ids=ASKED)
def test_the_secret_is_told_to_its_host_alone(tmp_path: Path, prompt: str, answer: str | None) -> None:
    script = tmp_path / "askpass"
    script.write_text(ASKPASS)
    env = {
        "HEADRACE_GIT_HOST": "git.example:8443",
        "HEADRACE_GIT_USER": "me",
        "HEADRACE_GIT_SECRET": "hunter2",
    }
    done = subprocess.run(["/bin/sh", script, prompt], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode == 0, done.stdout.strip() or None) == (answer is not None, answer)


def test_wrong_and_missing_credentials_are_explained_without_them(site: Site, backend: GitHost) -> None:
    site.environ["TOKEN"] = "wrong-token"
    with pytest.raises(SourceError, match="does not answer") as raised:
        git_clone({"repository": backend.url(), "credentials": {"env": "TOKEN"}}, site.job())
    assert "credentials" in (raised.value.hint or "")
    assert "wrong-token" not in raised.value.output
    with pytest.raises(SourceError, match="does not answer") as raised:
        git_clone({"repository": backend.url()}, site.job())
    assert "credentials" in (raised.value.hint or "")
    with pytest.raises(SourceError, match="variable NOT_SET is not set"):
        git_clone({"repository": backend.url(), "credentials": {"env": "NOT_SET"}}, site.job())


def test_the_hosts_own_credential_helper(site: Site, backend: GitHost, tmp_path: Path) -> None:
    helper = tmp_path / "helper"
    helper.write_text(f'#!/bin/sh\necho username={backend.user}\necho "password={backend.password}"\n')
    helper.chmod(0o755)
    (tmp_path / ".gitconfig").write_text(f"[credential]\n\thelper = {helper}\n")
    job = site.job()
    git_clone({"repository": backend.url(), "credentials": {"credential_helper": True}}, job)
    assert (job.folder / "flow.py").exists()


def test_a_host_without_git(site: Site, origin: Origin) -> None:
    site.environ["PATH"] = str(site.home)
    with pytest.raises(SourceError, match="git is not installed"):
        git_clone({"repository": origin.url}, site.job())


def test_a_repository_that_is_not_there(site: Site, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not answer") as raised:
        git_clone({"repository": (tmp_path / "none.git").as_uri()}, site.job())
    assert "Is the address right?" in (raised.value.hint or "")
    assert "none.git" in raised.value.output


def test_commits_in_any_order_with_all_their_history(origin: Origin, site: Site) -> None:
    first = git("rev-parse", "HEAD", cwd=origin.work)
    second = origin.commit(text="x = 2\n")
    origin.push()
    folders = []
    for commit in (second, first):
        job = site.job()
        git_clone({"repository": origin.url, "commit": commit}, job)
        folders.append(job.folder)
    third = origin.commit(text="x = 3\n")
    origin.push()
    job = site.job()
    assert git_clone({"repository": origin.url, "branch": "main"}, job)["commit"] == third
    assert git("rev-list", "HEAD", cwd=job.folder).split() == [third, second, first]
    assert [(folder / "flow.py").read_text() for folder in folders] == ["x = 2\n", "x = 1\n"]
