"""The code source `git_clone`: a bare mirror per repository, and a worktree per commit, both in the cache.

Only a commit that the mirror lacks is fetched. Runs that want the same one wait for the first of them. The
folder of a commit is shared by all its runs.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from headrace.contract.base import Json
from headrace.worker.sources.errors import SourceError
from headrace.worker.sources.git_child import FETCH_SECONDS, Git, failed
from headrace.worker.sources.git_options import GitOptions, read_options
from headrace.worker.sources.workshop import Job

LFS = b"version https://git-lfs.github.com/spec/"
SHOWN = 5
EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
DAMAGED = ("unable to read", "Could not read", "invalid object", "bad tree")
"""What git says of objects that a commit names and the mirror lacks."""


def git_clone(options: Json, job: Job) -> dict[str, object]:
    """Go to a commit of a repository, or to a folder in it."""
    wanted = read_options(options)
    git = Git(job, wanted)
    commit = wanted.commit or _tip(git, wanted)
    cache = job.workshop.cache
    tree = cache.get(
        wanted.tree(commit), job.key, lambda folder: _make_tree(git, wanted, commit, folder, job)
    )
    cache.touch(wanted.mirror)
    for name in (*wanted.sparse, wanted.directory):
        if not (tree / name).is_dir():
            raise _no_folder(name, wanted, commit)
    _note_pointers(git, tree, job)
    job.folder = tree / wanted.directory
    job.brought = f"commit {commit} of {wanted.repository}"
    return {"directory": str(job.folder), "commit": commit}


def _no_folder(name: str, wanted: GitOptions, commit: str) -> SourceError:
    member = "directories" if name in wanted.sparse else "directory"
    return SourceError(
        f"there is no folder {name!r} in commit {commit} of {wanted.repository}",
        hint=f"Mend the step's `{member}`, or push a commit that has the folder, and deploy again.",
    )


def _tip(git: Git, wanted: GitOptions) -> str:
    """The commit that a branch or tag names now."""
    done = git.run("ls-remote", wanted.repository, wanted.ref, wanted.ref + "^{}")
    if done.status:
        raise failed(done, f"{wanted.repository} does not answer")
    lines = [line.partition("\t") for line in done.stdout.splitlines()]
    found = {name: commit for commit, _, name in lines}
    commit = found.get(wanted.ref + "^{}") or found.get(
        wanted.ref
    )  # an annotated tag's own hash is no commit
    if commit is None:
        raise SourceError(
            f"{wanted.repository} has no longer, or never had, {wanted.branch}; it has {_branches(git, wanted)}",
            hint="Deploy again with a branch that exists, or pin the deployment to a commit.",
        )
    return commit


def _branches(git: Git, wanted: GitOptions) -> str:
    done = git.run("ls-remote", "--heads", wanted.repository)
    names = [line.partition("refs/heads/")[2] for line in done.stdout.splitlines()]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"the branches {', '.join(names[:SHOWN])}{more}" if names else "no branches"


def _make_tree(git: Git, wanted: GitOptions, commit: str, folder: Path, job: Job) -> None:
    cache = job.workshop.cache
    mirror = cache.path(wanted.mirror)

    def fetch(_: Path) -> None:
        if _bring(git, wanted, commit, mirror):
            cache.note(wanted.mirror)
        # Below the lock too: git writes into the mirror for each new worktree, and into its configuration.
        git.must("worktree", "prune", cwd=mirror)
        git.must("worktree", "add", "--force", "--detach", "--no-checkout", str(folder), commit, cwd=mirror)
        if wanted.sparse:
            git.must("sparse-checkout", "set", "--", *wanted.sparse, cwd=folder)

    cache.update(wanted.mirror, job.key, fetch)
    if not _check_out(git, commit, folder):
        cache.update(wanted.mirror, job.key, lambda _: _bring_anew(git, wanted, commit, mirror))
        if not _check_out(git, commit, folder):
            raise SourceError(
                f"the copy of {wanted.repository} in {mirror} is damaged",
                hint="Remove that folder on the worker's host while no run of it goes on, and start the run again.",
            )
    if wanted.submodules:
        cache.update(wanted.mirror, job.key, lambda _: _bring_submodules(git, folder))


def _check_out(git: Git, commit: str, folder: Path) -> bool:
    """False if objects are missing in the mirror, which git says, but not always by its exit code.

    Raises:
        SourceError: It fails for another reason.
    """
    done = git.run("checkout", "--quiet", "--force", "--detach", commit, cwd=folder, seconds=FETCH_SECONDS)
    if any(words in done.output for words in DAMAGED):
        return False
    if done.status:
        raise failed(done, "git checkout failed")
    return True


def _bring_anew(git: Git, wanted: GitOptions, commit: str, mirror: Path) -> None:
    """All objects, also those that git believes to be there: an interrupted fetch may have left a part of them."""
    for refs in ((f"+{commit}:refs/headrace/{commit}",), EVERYTHING):
        if not _fetch(git, wanted, mirror, *refs, options=("--refetch",)):
            break


def _bring_submodules(git: Git, folder: Path) -> None:
    """All by the addresses that this commit gives.

    Git reads them from the mirror's configuration, which all commits share and where those of the commit before
    still stand: so they are written anew, and the lock is held until they are used.
    """
    git.must("submodule", "sync", "--quiet", cwd=folder)
    arguments = ("submodule", "update", "--init", "--recursive", "--quiet")
    git.must(*arguments, cwd=folder, seconds=FETCH_SECONDS)


def _bring(git: Git, wanted: GitOptions, commit: str, mirror: Path) -> bool:
    """Have the commit in the mirror; says whether the mirror changed."""
    if not (mirror / "HEAD").exists():
        git.must("init", "--quiet", "--bare", str(mirror))
        # Submodules with a relative address are looked for beside this one.
        git.must("config", "remote.origin.url", wanted.repository, cwd=mirror)
    elif _has(git, commit, mirror):
        _keep(
            git, commit, mirror
        )  # it may have come with another commit, whose branch is forced elsewhere one day
        return False
    _remove_interrupted(mirror)
    keep = f"+{commit}:refs/headrace/{commit}"
    done = _fetch(git, wanted, mirror, keep)
    if done and not _has(git, commit, mirror):
        # Some hosts give only what a branch or tag names.
        done = _fetch(git, wanted, mirror, *EVERYTHING)
        if not done and _has(git, commit, mirror):
            _keep(git, commit, mirror)
    if not _has(git, commit, mirror):
        if done:
            raise done
        raise SourceError(
            f"the commit {commit} is not in {wanted.repository}: it was never pushed, or was forced away",
            hint="Push it, or deploy again from a commit that is there.",
        )
    return True


def _remove_interrupted(mirror: Path) -> None:
    """What fetches left that were killed. A young one may belong to a flow that fetches in its own tree."""
    for path in (mirror / "objects" / "pack").glob("tmp_*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > FETCH_SECONDS:
                path.unlink()


def _keep(git: Git, commit: str, mirror: Path) -> None:
    """A ref of its own keeps the commit when its branch is deleted or forced elsewhere."""
    git.must("update-ref", f"refs/headrace/{commit}", commit, cwd=mirror)


def _fetch(
    git: Git, wanted: GitOptions, mirror: Path, *refs: str, options: tuple[str, ...] = ()
) -> SourceError | None:
    arguments = ("fetch", "--quiet", "--no-tags", "--force", "--no-write-fetch-head", *options)
    done = git.run(*arguments, wanted.repository, *refs, cwd=mirror, seconds=FETCH_SECONDS)
    return failed(done, f"{wanted.repository} cannot be fetched") if done.status else None


def _has(git: Git, commit: str, mirror: Path) -> bool:
    return git.run("cat-file", "-e", commit + "^{commit}", cwd=mirror).status == 0


def _note_pointers(git: Git, tree: Path, job: Job) -> None:
    """Git LFS's files stay pointers: say so, since what reads them would be astonished."""
    known = job.workshop.attributes
    if tree not in known:
        known[tree] = _attributes(git, tree)
    if not any(path.is_file() and b"filter=lfs" in path.read_bytes() for path in known[tree]):
        return
    names = git.must("ls-files", "-z", "--", ":(attr:filter=lfs)", cwd=tree).split("\0")
    left = [name for name in names if name and _starts_with(tree / name, LFS)]
    if left:
        shown = ", ".join(left[:SHOWN]) + (f" and {len(left) - SHOWN} more" if len(left) > SHOWN else "")
        job.notes.append(
            f"Git LFS files are not fetched; these hold only pointers: {shown}. If the flow reads them, add "
            "the step run_shell_script with `git lfs pull` after this one."
        )


def _attributes(git: Git, tree: Path) -> list[Path]:
    """At any depth, by git's index: it knows without a walk through the tree."""
    names = git.must("ls-files", "-z", "--", ":(glob)**/.gitattributes", cwd=tree).split("\0")
    return [tree / name for name in names if name]


def _starts_with(path: Path, start: bytes) -> bool:
    if not path.is_file() or os.path.islink(path):  # noqa: PTH114 - a link may lead anywhere
        return False
    with path.open("rb") as file:
        return file.read(len(start)) == start
