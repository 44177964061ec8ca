"""A flow that reads a git repository's own history and writes a report as HTML and JSON.

Run it by itself with `python examples/git_report.py`, or deploy it with
`headrace deploy examples/git_report.py:git_report -n my-deployment -p my-process-pool`.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

from headrace import flow, get_run_logger, task

COLOURS = ("#2f6fde", "#e07a2f", "#2fa36b", "#b455c9", "#d6455d", "#3aa9b8", "#c9a227", "#7a6ff0")
OTHERS = "others"
OTHERS_COLOUR = "#9aa3b0"


@dataclass
class Commit:
    """One commit, with the lines it added and removed per file."""

    day: date
    author: str
    files: list[tuple[int, int, str]] = field(default_factory=list)


@task
def read_history(repo: Path, since: date | None) -> list[Commit]:
    """Ask git for every commit, oldest first."""
    command = ["git", "-C", str(repo), "log", "--reverse", "--no-renames", "--numstat", "-z"]
    command.append("--pretty=format:%x1e%aI%x1f%aN%x1f")
    if since is not None:
        command.append(f"--since={since.isoformat()}T00:00:00")
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode != 0:
        raise RuntimeError(f"git cannot read the history of {repo}: {done.stderr.strip()}")
    return [parse_commit(block) for block in done.stdout.split("\x1e") if block.strip("\x00\n")]


def parse_commit(block: str) -> Commit:
    """Read one block of `git log --numstat -z`; binary files count no lines."""
    when, author, rest = block.split("\x1f", 2)
    commit = Commit(datetime.fromisoformat(when.strip("\x00\n")).date(), author)
    for entry in rest.split("\x00"):
        parts = entry.strip("\n").split("\t", 2)
        if len(parts) == 3:
            added, removed = (0 if part == "-" else int(part) for part in parts[:2])
            commit.files.append((added, removed, parts[2]))
    return commit


@task
def count_weeks(commits: list[Commit], top: int) -> dict[str, dict[str, int]]:
    """Count commits per week (named by its Monday) and author; the less active authors are added up."""
    busiest = [name for name, _ in Counter(commit.author for commit in commits).most_common(top)]
    first, last = monday(min(c.day for c in commits)), monday(max(c.day for c in commits))
    weeks: dict[str, Counter[str]] = {}
    while first <= last:
        weeks[first.isoformat()] = Counter()
        first += timedelta(weeks=1)
    for commit in commits:
        author = commit.author if commit.author in busiest else OTHERS
        weeks[monday(commit.day).isoformat()][author] += 1
    return {week: dict(counts) for week, counts in weeks.items()}


@task
def count_churn(commits: list[Commit], top: int) -> list[dict[str, Any]]:
    """Add up lines added and removed per top-level folder, the busiest first."""
    added: Counter[str] = Counter()
    removed: Counter[str] = Counter()
    touched: Counter[str] = Counter()
    for commit in commits:
        for plus, minus, path in commit.files:
            folder = path.split("/", 1)[0] + "/" if "/" in path else "(top level)"
            added[folder] += plus
            removed[folder] += minus
            touched[folder] += 1
    folders = sorted(touched, key=lambda name: (-added[name] - removed[name], name))[:top]
    return [{"folder": f, "added": added[f], "removed": removed[f], "changes": touched[f]} for f in folders]


def monday(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def bar(x: float, y: float, width: float, height: float, colour: str, note: str) -> str:
    """One rectangle, with a note for whoever points at it."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} rx="1.5" fill="{colour}"><title>{escape(note)}</title></rect>'


def week_chart(weeks: dict[str, dict[str, int]], colours: dict[str, str]) -> str:
    """Draw one stacked bar per week."""
    width, height, left, bottom = 860, 260, 34, 28
    step = (width - left) / max(len(weeks), 8)
    tallest = max(sum(counts.values()) for counts in weeks.values()) or 1
    scale = (height - bottom - 12) / tallest
    shapes = []
    for mark in sorted({0, tallest // 2, tallest}):
        y = height - bottom - mark * scale
        shapes.append(f'<line class="grid" x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        shapes.append(f'<text class="end" x="{left - 6}" y="{y + 4:.1f}">{mark}</text>')
    every = max(1, len(weeks) // 8)
    for position, (week, counts) in enumerate(weeks.items()):
        x, y = left + position * step + step * 0.12, float(height - bottom)
        for author in colours:
            if number := counts.get(author, 0):
                y -= number * scale
                note = f"week of {week}: {author}, {number}"
                shapes.append(bar(x, y, step * 0.76, number * scale, colours[author], note))
        if position % every == 0:
            shapes.append(f'<text x="{x:.1f}" y="{height - 8}">{week}</text>')
    return f'<svg viewBox="0 0 {width} {height}" role="img">{"".join(shapes)}</svg>'


def churn_chart(churn: list[dict[str, Any]]) -> str:
    """Draw one bar per folder: lines added, then lines removed."""
    width, row, left = 860, 26, 190
    rows = [(c["folder"], c["added"], c["removed"]) for c in churn]
    scale = (width - left - 130) / (max((plus + minus for _, plus, minus in rows), default=0) or 1)
    shapes = []
    for number, (folder, plus, minus) in enumerate(rows):
        y = number * row
        shapes.append(f'<text class="end" x="{left - 8}" y="{y + 17}">{escape(folder)}</text>')
        for x, length, colour in ((left, plus, "#2fa36b"), (left + plus * scale, minus, "#d6455d")):
            shapes.append(bar(x, y + 4, length * scale, row - 9, colour, f"{folder}: {length:,} lines"))
        x = left + (plus + minus) * scale + 8
        shapes.append(f'<text x="{x:.1f}" y="{y + 17}">+{plus:,} −{minus:,}</text>')
    return f'<svg viewBox="0 0 {width} {max(1, len(rows)) * row}" role="img">{"".join(shapes)}</svg>'


STYLE = """
:root { color-scheme: light dark;
  --ink: #1d2530; --soft: #667085; --line: #e4e7ec; --card: #fff; --page: #f5f6f8 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ebf0; --soft: #98a2b3; --line: #303844; --card: #1b212b; --page: #12161d } }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 940px; margin: 0 auto; padding: 32px 20px }
h1 { margin: 0; font-size: 26px }
h2 { margin: 0 0 12px; font-size: 16px }
p { color: var(--soft); margin: 4px 0 }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 18px; margin-top: 18px }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 12px }
.facts b { display: block; font-size: 24px }
.facts span, .legend { color: var(--soft); font-size: 13px }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin: 0 5px 0 14px }
svg { width: 100%; height: auto }
svg text { fill: var(--soft); font-size: 11px }
svg .end { text-anchor: end }
svg .grid { stroke: var(--line) }
"""


def draw_page(title: str, facts: dict[str, Any]) -> str:
    """Lay out the whole page; it needs no other file and no network."""
    weeks = facts["commits_per_week"]
    authors = dict.fromkeys(author for counts in weeks.values() for author in counts)
    named = [author for author in authors if author != OTHERS]
    colours = {author: COLOURS[number % len(COLOURS)] for number, author in enumerate(named)}
    if OTHERS in authors:
        colours[OTHERS] = OTHERS_COLOUR
    legend = "".join(f'<i style="background:{colours[a]}"></i>{escape(a)}' for a in colours)
    numbers = {"commits": facts["commits"], "authors": facts["authors"], "weeks": len(weeks)}
    cards = "".join(f"<div><b>{value:,}</b><span>{name}</span></div>" for name, value in numbers.items())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}: git report</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<main><h1>{escape(title)}</h1><p>What happened from {facts['first']} to {facts['last']}</p>"
        f'<section class="facts">{cards}</section><section><h2>Commits per week</h2>'
        f'{week_chart(weeks, colours)}<div class="legend">{legend}</div></section>'
        "<section><h2>Lines added and removed per folder</h2>"
        f"{churn_chart(facts['churn_per_folder'])}</section></main></html>\n"
    )


@task
def write_report(folder: Path, title: str, facts: dict[str, Any]) -> dict[str, str]:
    """Write the report for people and for programs."""
    folder.mkdir(parents=True, exist_ok=True)
    html, data = folder / "report.html", folder / "report.json"
    html.write_text(draw_page(title, facts), encoding="utf-8")
    data.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return {"html": str(html.resolve()), "json": str(data.resolve())}


@flow
def git_report(
    repo: str = ".", since: date | None = None, top: int = 8, output: str = "reports/git"
) -> dict[str, Any]:
    """Report commits per week and author, and churn per folder, of a git repository.

    Args:
        repo: Folder of the repository.
        since: First day to look at; the whole history if left out.
        top: How many authors and folders to show by name.
        output: Folder for `report.html` and `report.json`.
    """
    logger = get_run_logger()
    if top < 1:
        raise ValueError(f"top must be 1 or more, not {top}")
    root = Path(repo).resolve()
    commits = read_history(root, since)
    if not commits:
        raise ValueError(f"{root} has no commits" + (f" since {since}" if since else ""))
    logger.info("Read %d commits of %s", len(commits), root.name)
    weeks = count_weeks(commits, top)
    busiest = max(sum(counts.values()) for counts in weeks.values())
    logger.info("Weeks spanned: %d; commits in the busiest: %d", len(weeks), busiest)
    churn = count_churn(commits, top)
    for row in churn:
        logger.info(
            "%-20s +%s -%s in %s changes", row["folder"], row["added"], row["removed"], row["changes"]
        )
    days = [commit.day for commit in commits]
    facts: dict[str, Any] = {
        "repository": root.name,
        "commits": len(commits),
        "authors": len({commit.author for commit in commits}),
        "first": min(days).isoformat(),
        "last": max(days).isoformat(),
        "commits_per_week": weeks,
        "churn_per_folder": churn,
    }
    files = write_report(Path(output), root.name, facts)
    logger.info("Report written to %s", files["html"])
    return {key: facts[key] for key in ("commits", "authors", "first", "last")} | files


if __name__ == "__main__":
    print(json.dumps(git_report(), indent=2))
