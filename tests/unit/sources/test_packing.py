"""Packing: which files, which bytes; and unpacking what nobody should have packed."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.bundles import PackError, UnpackError, pack, packing, unpack


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def files(folder: Path, target: Path) -> tuple[str, ...]:
    return pack(folder, target).files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "code"
    made.mkdir()
    return made


@pytest.mark.parametrize("repository", [False, True])
def test_what_is_ignored_stays_out(folder: Path, tmp_path: Path, repository: bool) -> None:
    if repository:
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
    write(folder, "flow.py", "a/b.py", "a/skip.log", "a/keep.log", "build/x", "__pycache__/x.pyc", "data.csv")
    write(folder, ".venv/pyvenv.cfg", ".venv/lib/x.py", "a/private/x.py")
    (folder / ".gitignore").write_text("*.log\n/build/\n")
    (folder / "a" / ".gitignore").write_text("!keep.log\nprivate\n")
    (folder / ".headraceignore").write_text("*.csv\n")
    wanted = (".gitignore", ".headraceignore", "a/.gitignore", "a/b.py", "a/keep.log", "flow.py")
    assert files(folder, tmp_path / "x.zip") == wanted


def test_a_file_of_secrets_stays_out_where_no_repository_says_otherwise(folder: Path, tmp_path: Path) -> None:
    write(folder, ".env", ".env.prod", ".env.example", "a/.env", "flow.py")
    assert files(folder, tmp_path / "x.zip") == (".env.example", "flow.py")
    (folder / ".headraceignore").write_text("!/.env\n")
    assert files(folder, tmp_path / "y.zip") == (".env", ".env.example", ".headraceignore", "flow.py")


def test_of_files_of_secrets_a_repository_gives_the_tracked_ones_only(folder: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    write(folder, ".env", "a/.env.prod", ".env.example", "w/worker.env", "flow.py", "team/.env")
    subprocess.run(["git", "-C", str(folder), "add", "team/.env"], check=True)
    assert files(folder, tmp_path / "x.zip") == (".env.example", "flow.py", "team/.env")
    (folder / ".headraceignore").write_text("!/.env\nteam\n")
    assert files(folder, tmp_path / "y.zip") == (".env", ".env.example", ".headraceignore", "flow.py")


def test_a_folder_in_a_repository_and_a_repository_in_a_folder(folder: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    write(folder, "other.py", "sub/flow.py", "sub/inner/lib.py")
    subprocess.run(["git", "init", "-q", str(folder / "sub" / "inner")], check=True)
    (folder / ".gitignore").write_text("*.tmp\n")
    write(folder, "sub/x.tmp")
    assert files(folder / "sub", tmp_path / "x.zip") == ("flow.py", "inner/lib.py")


def test_links(folder: Path, tmp_path: Path) -> None:
    write(folder, "a/flow.py")
    (folder / "link.py").symlink_to("a/flow.py")
    bundle = pack(folder, tmp_path / "x.zip")
    unpack(bundle.path, tmp_path / "back")
    assert (tmp_path / "back" / "link.py").readlink() == Path("a/flow.py")
    for target in ("../outside", "/etc/passwd"):
        (folder / "out").symlink_to(target)
        with pytest.raises(PackError, match="leads out of the folder"):
            pack(folder, tmp_path / "y.zip")
        (folder / "out").unlink()
    assert not (tmp_path / "y.zip").exists()


def test_nothing_and_too_much(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PackError, match="nothing to pack"):
        pack(folder)
    with pytest.raises(PackError, match="no folder"):
        pack(folder / "none")
    (folder / "big.bin").write_bytes(os.urandom(200_000))
    write(folder, "small.py")
    monkeypatch.setattr(packing, "MAX_BYTES", 100_000)
    with pytest.raises(PackError, match=r"Largest files: big\.bin \(0\.2 MB\), small\.py"):
        pack(folder, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


NAMES = st.from_regex(r"[a-z][a-zä _]{0,8}[a-z0-9]", fullmatch=True)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TREES = st.dictionaries(PATHS, st.tuples(st.binary(max_size=300), st.booleans()), min_size=1, max_size=8)


def plant(
    folder: Path, tree: dict[str, tuple[bytes, bool]], names: list[str]
) -> dict[str, tuple[bytes, bool]]:
    planted = {}
    for name in names:
        path = folder / name
        if path.exists() or any((folder / part).is_file() for part in Path(name).parents):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tree[name][0])
        path.chmod(0o755 if tree[name][1] else 0o640)
        planted[name] = tree[name]
    return planted


@settings(max_examples=60, deadline=None)
@given(tree=TREES)
def test_packing_is_deterministic_and_comes_back(tree: dict[str, tuple[bytes, bool]]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        one, two, back = (Path(scratch) / name for name in ("one", "two", "back"))
        one.mkdir()
        two.mkdir()
        planted = plant(one, tree, sorted(tree))
        plant(two, planted, sorted(planted, reverse=True))
        os.utime(next(path for path in two.rglob("*") if path.is_file()), (1, 1))
        first, second = pack(one, Path(scratch) / "1.zip"), pack(two, Path(scratch) / "2.zip")
        assert (
            first.digest == second.digest == "sha256:" + hashlib.sha256(first.path.read_bytes()).hexdigest()
        )
        assert first.size == first.path.stat().st_size
        unpack(first.path, back)
        found = {
            path.relative_to(back).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & stat.S_IXUSR))
            for path in back.rglob("*")
            if path.is_file()
        }
        assert found == planted
        assert set(first.files) == set(planted)


def evil(path: Path, *entries: tuple[str, int, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, mode, content in entries:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(info, content)
    return path


FILE, LINK = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([("../x", FILE, b"")], "leads out"),
        ([("a/../../x", FILE, b"")], "leads out"),
        ([("/tmp/x", FILE, b"")], "leads out"),
        ([("a\\..\\x", FILE, b"")], "leads out"),
        ([("l", LINK, b"../x")], "leads out"),
        ([("l", LINK, b"/etc/passwd")], "leads out"),
        ([("l", LINK, b"")], "leads out"),
        ([("a/b/s", LINK, b"../.."), ("t", LINK, b"a/b/s/..")], "leads out"),
        ([("l", LINK, b"."), ("l/x", FILE, b"")], "in the way"),
        ([("d", LINK, b".."), ("d/l", LINK, b"x")], "leads out|in the way"),
        ([("fifo", stat.S_IFIFO | 0o644, b"")], "neither a file"),
        ([("dev", stat.S_IFCHR | 0o644, b"")], "neither a file"),
        ([("x", FILE, b""), ("x/y", FILE, b"")], "both a file and a folder"),
        ([("x/y", FILE, b""), ("x", FILE, b"")], "twice"),
        ([("x", FILE, b"1"), ("./x", FILE, b"2")], "twice"),
        ([("bomb", FILE, b"\0" * 5_000_000)], "zip bomb"),
        ([(f"f{number}", FILE, b"") for number in range(101)], "101 files"),
    ],
)
def test_evil_bundles(tmp_path: Path, entries: list[tuple[str, int, bytes]], words: str) -> None:
    target = tmp_path / "deep" / "target"
    with pytest.raises(UnpackError, match=words):
        unpack(evil(tmp_path / "evil.zip", *entries), target, max_bytes=1_000_000, max_files=100)
    outside = [path for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "deep")]
    assert outside == [tmp_path / "evil.zip"]
    for path in target.rglob("*"):
        assert not path.is_symlink() or path.resolve().is_relative_to(target)


def test_damaged_bundles(folder: Path, tmp_path: Path) -> None:
    write(folder, "flow.py")
    content = pack(folder, tmp_path / "x.zip").path.read_bytes()
    for number, wrong in enumerate((content[:40], b"", content.replace(b"flow.py", b"flow.px", 1))):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(wrong)
        with pytest.raises(UnpackError, match="damaged"):
            unpack(path, tmp_path / f"out{number}")


def test_links_make_no_folder_outside(tmp_path: Path) -> None:
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as zipped:
        for name, target in (("a", "../../outside"), ("a/b/c", "x")):
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            zipped.writestr(info, target)
    inner = tmp_path / "deep" / "inner"
    (tmp_path / "outside").mkdir()
    with pytest.raises(UnpackError):
        unpack(bad, inner)
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compressions_are_refused_before_they_can_fail(tmp_path: Path, method: int) -> None:
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w", method) as zipped:
        zipped.writestr("a", b"a" * 1000)
    data = bytearray(bad.read_bytes())
    data[36:40] = b"\xff" * 4
    bad.write_bytes(data)
    with pytest.raises(UnpackError, match="compressed in a way"):
        unpack(bad, tmp_path / "target")


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text("x")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(PackError, match="a is a link that leads to itself"):
        pack(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_file_that_cannot_be_read_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, user = Path(name), os.geteuid()
        folder.chmod(0o755)
        (folder / "flow.py").write_text("x")
        (folder / "secret.py").write_text("x")
        (folder / "secret.py").chmod(0)
        pack(folder, folder.parent / f"{folder.name}.zip") if user == 0 else None  # loads all that it needs
        (folder.parent / f"{folder.name}.zip").unlink(missing_ok=True)
        try:
            os.seteuid(user or 65534)  # root reads everything
            with pytest.raises(PackError, match=r"secret\.py: Permission denied"):
                pack(folder)
        finally:
            os.seteuid(user)
