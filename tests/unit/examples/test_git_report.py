"""The example that reports on a git repository, on real repositories."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from headrace.flows import Flow
from tests.unit.examples.loading import load

git_report: Flow = load("git_report.py").git_report


def commit(repo: Path, day: str, author: str, files: dict[str, str]) -> None:
    """Write files and commit them as somebody on some day."""
    for name, text in files.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "-C", repo, "add", "."], check=True)
    identity = ["-c", f"user.name={author}", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    stamp = f"{day}T12:00:00+00:00"
    subprocess.run(
        ["git", "-C", repo, *identity, "commit", "-q", "-m", "Work", "--date", stamp],
        check=True,
        env={"PATH": os.environ["PATH"], "GIT_COMMITTER_DATE": stamp, "HOME": str(repo)},
    )


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "mill <1>"
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def run(repo: Path, **parameters: object) -> tuple[dict, dict]:
    """What the flow returns, and the report that it wrote."""
    summary = git_report(repo=str(repo), output=str(repo.parent / "out"), **parameters)
    return summary, json.loads(Path(summary["json"]).read_text(encoding="utf-8"))


def test_counts_commits_per_week_and_author(repo: Path) -> None:
    commit(repo, "2026-01-05", "Ada", {"a.txt": "1\n2\n"})
    commit(repo, "2026-01-07", "Ben", {"src/b.txt": "1\n"})
    commit(repo, "2026-01-20", "Ada", {"a.txt": "1\n"})

    summary, report = run(repo)

    assert report["commits_per_week"] == {
        "2026-01-05": {"Ada": 1, "Ben": 1},
        "2026-01-12": {},
        "2026-01-19": {"Ada": 1},
    }
    assert (summary["commits"], summary["authors"]) == (3, 2)
    assert (summary["first"], summary["last"]) == ("2026-01-05", "2026-01-20")


def test_adds_up_lines_per_folder(repo: Path) -> None:
    commit(
        repo, "2026-01-05", "Ada", {"a.txt": "1\n2\n", "src/ü \t.txt": "1\n2\n3\n4\n", "src/c.bin": "\0\1"}
    )
    commit(repo, "2026-01-06", "Ada", {"a.txt": "1\n"})

    _, report = run(repo)

    assert report["churn_per_folder"] == [
        {"folder": "src/", "added": 4, "removed": 0, "changes": 2},
        {"folder": "(top level)", "added": 2, "removed": 1, "changes": 2},
    ]


def test_a_single_commit_is_enough(repo: Path) -> None:
    commit(repo, "2026-01-05", "Ada", {"a.txt": "1\n"})

    summary, _ = run(repo)

    assert summary["commits"] == 1
    assert "<svg" in Path(summary["html"]).read_text(encoding="utf-8")


def test_a_commit_without_any_line_is_enough(repo: Path) -> None:
    commit(repo, "2026-01-05", "Ada", {"empty.txt": ""})

    assert run(repo)[0]["commits"] == 1


def test_authors_beyond_the_top_are_added_up(repo: Path) -> None:
    for number, author in enumerate(["Ada", "Ada", "Ben", "Cem"]):
        commit(repo, "2026-01-05", author, {"a.txt": str(number)})

    _, report = run(repo, top=1)

    assert report["commits_per_week"] == {"2026-01-05": {"Ada": 2, "others": 2}}


def test_since_leaves_older_commits_out(repo: Path) -> None:
    commit(repo, "2026-01-05", "Ada", {"a.txt": "1"})
    commit(repo, "2026-02-05", "Ada", {"a.txt": "2"})

    assert run(repo, since=date(2026, 2, 1))[0]["commits"] == 1


def test_the_page_is_whole_and_needs_no_network(repo: Path) -> None:
    commit(repo, "2026-01-05", "Ada & Söhne", {"a.txt": "1\n"})
    page = Path(run(repo)[0]["html"]).read_text(encoding="utf-8")

    open_tags: list[str] = []

    class Reader(HTMLParser):
        def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            """It is closed already."""

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag != "meta":
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Reader().feed(page)
    assert open_tags == []
    assert "http" not in page
    assert "& Söhne" not in page
    assert page.count("&amp; Söhne") == 2  # in the legend, and where one points at a bar
    assert "mill &lt;1&gt;" in page


@pytest.mark.parametrize(
    ("parameters", "said"),
    [({"top": 0}, "top must be 1 or more"), ({"since": date(2030, 1, 1)}, "no commits since 2030-01-01")],
)
def test_says_what_is_wrong(repo: Path, parameters: dict, said: str) -> None:
    commit(repo, "2026-01-05", "Ada", {"a.txt": "1"})

    with pytest.raises(ValueError, match=said):
        run(repo, **parameters)


def test_what_is_no_repository_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="git cannot read the history"):
        git_report(repo=str(tmp_path), output=str(tmp_path / "out"))
