"""What `make bench` measures, and how it reaches a control plane that is not its own."""

from __future__ import annotations

import argparse
import importlib
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

import benchmarks
from benchmarks import idle_cost
from benchmarks.__main__ import NAMES
from benchmarks.picture import STEPS, picture
from benchmarks.place import reached
from headrace.settings import Profile, Profiles, save_profiles

URL = "http://127.0.0.1:9/api"


def test_every_benchmark_is_measured_by_make_bench() -> None:
    files = {path.stem for path in Path(benchmarks.__file__).parent.glob("*.py")} - {"__main__"}
    measuring = {name for name in files if hasattr(importlib.import_module(f"benchmarks.{name}"), "measure")}
    assert measuring == set(NAMES)


def test_an_idle_month_is_within_its_budget() -> None:
    row = idle_cost.measure(argparse.Namespace())[0]
    assert (row.budget, row.verdict) == (0.30, "ok")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HEADRACE_API_KEY", "HEADRACE_PROFILE", "HEADRACE_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path))
    profiles = {"theirs": Profile(URL, "hr_a_b"), "other": Profile("http://127.0.0.1:8/api", "hr_c_d")}
    save_profiles(tmp_path, Profiles("other", profiles))
    return tmp_path


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"HEADRACE_PROFILE": "theirs"}, "hr_a_b"),
        ({"HEADRACE_PROFILE": "theirs", "HEADRACE_API_URL": "http://127.0.0.1:7/api"}, "hr_a_b"),
        ({"HEADRACE_API_KEY": "hr_e_f", "HEADRACE_PROFILE": "gone"}, "hr_e_f"),
        ({}, None),
    ],
)
def test_a_key_is_that_of_the_profile_for_this_address(
    home: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], key: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert reached(f"{URL}/") == (URL, key)


@pytest.mark.parametrize(
    ("profile", "url", "words"), [("gone", URL, "no profile 'gone'"), ("theirs", "x", "--api-url")]
)
def test_what_cannot_be_reached_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch, profile: str, url: str, words: str
) -> None:
    monkeypatch.setenv("HEADRACE_PROFILE", profile)
    with pytest.raises(SystemExit, match=words):
        reached(url)


def test_a_picture_has_a_bar_for_each_step_as_long_as_it_took() -> None:
    moments = {step.ends: 10.0 * number for number, step in enumerate(STEPS, start=1)}
    drawn = ElementTree.fromstring(picture(moments, "a <caption>"))
    bars = [bar for bar in drawn.iter("{http://www.w3.org/2000/svg}rect") if bar.get("x")]
    edges = [(float(bar.attrib["x"]), float(bar.attrib["width"])) for bar in bars]
    assert len(edges) == len(STEPS)
    unit = edges[0][1] / 10
    assert edges[1] == pytest.approx((edges[0][0], 20 * unit), abs=0.2)
    for (left, width), (after, _) in pairwise(edges[2:]):
        assert left + width == pytest.approx(after, abs=0.2)
    assert "60 ms" not in "".join(drawn.itertext())
