"""The pages for a first reader: what they tell people to type can be typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_headrace_is_installed_from_a_clone(page: Path) -> None:
    """It is in no package index: what pip is told to install is this folder."""
    typed = re.findall(r"pip install (.*)", page.read_text())
    assert all(re.match(r'(\.|"\.\[\w+\]")( |$)', line) for line in typed if "`" not in line), typed


@pytest.mark.parametrize("guide", GUIDES, ids=lambda page: page.name)
def test_the_readme_leads_to_every_guide(guide: Path) -> None:
    assert f"(docs/guides/{guide.name})" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
    assert not [target for target in targets if not (page.parent / target).exists()]
