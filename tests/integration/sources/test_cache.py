"""The cache: made once, bounded, and never emptied under a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from headrace.worker.sources.git import git_clone
from headrace.worker.sources.workshop import Workshop
from tests.integration.sources.conftest import Origin, Site, git


def fill(folder: Path) -> None:
    folder.mkdir()
    (folder / "file").write_bytes(b"x" * 400_000)


@pytest.fixture
def small(site: Site) -> Workshop:
    """A cache with room for two entries of `fill`."""
    site.environ["HEADRACE_CACHE_MB"] = "1"
    return site.workshop()


def let_go(workshop: Workshop) -> None:
    workshop.cache.leases.keep_only(())


def names(workshop: Workshop) -> list[str]:
    return [entry.name for entry in workshop.cache.entries()]


def use(workshop: Workshop, name: str, at: float) -> None:
    workshop.cache.get(name, (uuid4(), 1), fill)
    os.utime(workshop.cache.root / f"{name}.ready", (at, at))


def test_the_oldest_unused_goes_first(small: Workshop) -> None:
    use(small, "bundles/a", 1)
    use(small, "bundles/b", 2)
    use(small, "bundles/a", 3)
    let_go(small)
    use(small, "environments/c", 4)
    assert names(small) == ["bundles/a", "environments/c"]
    assert not small.cache.path("bundles/b").exists()
    assert not list((small.cache.root / "bundles").glob("b*"))


def test_what_a_run_uses_stays_whatever_the_bound(small: Workshop) -> None:
    for number in range(4):
        use(small, f"bundles/{number}", number)
    assert len(names(small)) == 4
    let_go(small)
    small.cache.evict()
    assert names(small) == ["bundles/2", "bundles/3"]


def test_another_workers_runs_count_until_worker_and_keeper_are_gone(site: Site, small: Workshop) -> None:
    keeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    state = site.home / "workers" / "other"
    state.mkdir(parents=True)
    (state / "keeper.json").write_text(json.dumps({"pid": keeper.pid}))
    code = (
        "import sys; from pathlib import Path; from uuid import uuid4\n"
        "from headrace.worker.sources.workshop import Workshop\n"
        "shop = Workshop.of({'HEADRACE_CACHE_MB': '1'}, None, Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "shop.cache.get('bundles/theirs', (uuid4(), 1), lambda f: (f.mkdir(), (f / 'x').write_bytes(b'x' * 900_000)))"
    )
    subprocess.run([sys.executable, "-c", code, str(site.home), str(state)], check=True, timeout=60)
    use(small, "bundles/ours", 9e9)
    assert "bundles/theirs" in names(small)
    successor = Workshop.of(small.environ, small.download, site.home, state)
    successor.cache.leases.hold((uuid4(), 1), "bundles/other")
    keeper.communicate(b"\n", timeout=30)
    small.cache.evict()
    assert names(small) == ["bundles/ours"]


def test_a_restarted_worker_lets_go_of_its_predecessors_runs(site: Site) -> None:
    state = site.home / "state"
    state.mkdir()
    first = Workshop.of(site.environ, lambda *_: None, site.home, state)
    key = (uuid4(), 2)
    first.cache.get("bundles/a", key, fill)
    second = Workshop.of(site.environ, lambda *_: None, site.home, state)
    second.cache.leases.keep_only({key})
    assert second.cache.leases.held() == {"bundles/a"}
    second.cache.leases.keep_only(set())
    assert second.cache.leases.held() == set()


def test_a_failing_maker_leaves_nothing_and_the_next_one_makes(site: Site) -> None:
    cache = site.workshop().cache

    def fail(folder: Path) -> None:
        fill(folder)
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        cache.get("bundles/a", (uuid4(), 1), fail)
    assert not cache.path("bundles/a").exists()
    assert (cache.get("bundles/a", (uuid4(), 1), fill) / "file").exists()


def test_leftovers_of_the_killed_are_swept(small: Workshop) -> None:
    half = small.cache.path("trees/half")
    half.parent.mkdir(parents=True)
    fill(half)
    small.cache.evict()
    assert not half.exists()


@pytest.fixture
def as_nobody(small: Workshop, tmp_path: Path) -> Iterator[Workshop]:
    """The same cache, of an account that root may leave files to."""
    if os.geteuid():
        pytest.skip("only root can leave files of root behind")
    nobody = 65534
    with tempfile.TemporaryDirectory() as place:
        os.chown(place, nobody, nobody)
        workshop = Workshop.of(small.environ, small.download, Path(place) / "home")
        os.seteuid(nobody)
        try:
            yield workshop
        finally:
            os.seteuid(0)


def test_what_cannot_be_removed_stops_nothing(as_nobody: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    def with_files_of_root(folder: Path) -> None:
        fill(folder)
        os.seteuid(0)
        (folder / "cache").mkdir()
        (folder / "cache" / "mine").touch()
        os.seteuid(65534)

    cache = as_nobody.cache
    cache.get("trees/a", (uuid4(), 1), with_files_of_root)
    os.utime(cache.root / "trees" / "a.ready", (1, 1))
    let_go(as_nobody)
    for name in ("bundles/b", "bundles/c", "bundles/d"):
        use(as_nobody, name, 9e8)
        let_go(as_nobody)
    assert names(as_nobody) == ["bundles/c", "bundles/d"]
    (warning,) = {record.getMessage() for record in caplog.records}
    assert "cannot remove" in warning and "trees/a" in warning
    assert cache.get("trees/a", (uuid4(), 1), fill).exists(), "its name is free again"
    (left,) = (path for path in (cache.root / "trees").iterdir() if path.name.endswith(".removed"))
    assert not (left / "file").exists(), "all that could go is gone"


def test_what_a_crash_of_the_machine_emptied_is_made_anew(
    small: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    use(small, "bundles/a", 1)
    use(small, "bundles/b", 2)
    let_go(small)
    (small.cache.root / "bundles" / "a.ready").write_bytes(b"")
    lease = small.cache.root / "leases" / f"{uuid4()}-1.json"
    lease.write_bytes(b"")
    use(small, "bundles/c", 3)
    assert names(small) == ["bundles/b", "bundles/c"]
    assert not small.cache.path("bundles/a").exists() and not lease.exists()
    assert "cannot be read" in caplog.text
    (small.cache.root / "bundles" / "b.ready").write_bytes(b"")
    assert (small.cache.get("bundles/b", (uuid4(), 1), fill) / "file").exists()
    assert "bundles/b" in names(small)


def test_makers_and_removers_at_once(small: Workshop) -> None:
    """Whoever got a folder finds it whole, as long as it is held."""

    def one(number: int) -> bool:
        key = (uuid4(), 1)
        folder = small.cache.get(f"bundles/{number % 5}", key, fill)
        whole = (folder / "file").stat().st_size == 400_000
        small.cache.evict()
        return whole and (folder / "file").exists()

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(one, range(60)))
    let_go(small)
    small.cache.evict()
    assert len(names(small)) <= 2


def test_git_trees_under_eviction(origin: Origin, site: Site) -> None:
    site.environ["HEADRACE_CACHE_MB"] = "0.001"
    workshop = site.workshop()
    first = git("rev-parse", "HEAD", cwd=origin.work)
    second = origin.commit(text="second\n")
    origin.push()
    held, other, again = site.job(workshop), site.job(workshop), site.job(workshop)
    git_clone({"repository": origin.url, "commit": first}, held)
    git_clone({"repository": origin.url, "commit": second}, other)
    assert (held.folder / "flow.py").exists()
    workshop.cache.leases.keep_only({held.key})
    workshop.cache.evict()
    assert not other.folder.exists()
    assert git("status", "--porcelain", cwd=held.folder) == ""
    git_clone({"repository": origin.url, "commit": second}, again)
    assert (again.folder / "flow.py").read_text() == "second\n"
    assert site.count("fetch") == 2
    let_go(workshop)
    workshop.cache.evict()
    assert names(workshop) == []


def test_a_slow_maker_of_one_does_not_keep_others_waiting(site: Site) -> None:
    cache = site.workshop().cache
    inside, go = threading.Event(), threading.Event()

    def slow(folder: Path) -> None:
        inside.set()
        assert go.wait(20)
        fill(folder)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(cache.get, "bundles/slow", (uuid4(), 1), slow)
        assert inside.wait(20)
        assert cache.get("bundles/quick", (uuid4(), 1), fill).exists()
        assert not waiting.done()
        go.set()
        assert waiting.result(20).exists()
