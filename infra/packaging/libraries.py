"""Which libraries go into the zip, and their files, for Lambda's platform."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement
from packaging.tags import Tag, cpython_tags
from packaging.utils import canonicalize_name

from infra.errors import CloudError
from infra.packaging.trimming import needed

PARTLY = frozenset({"chalice"})
"""Of these `infra.packaging.sources` copies what runs in Lambda; the rest is for deploying."""
LAMBDA = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "platform_machine": "x86_64",
}
GLIBC = 34 if sys.version_info >= (3, 12) else 26
"""Minor version of the glibc there: Amazon Linux 2023 from Python 3.12 on, Amazon Linux 2 before (AWS)."""


PLATFORMS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC, 4, -1)),
    "manylinux2014_x86_64",
    "manylinux2010_x86_64",
    "manylinux1_x86_64",
)
"""What a compiled library may be built for, best first."""


def closure(requirements: Path) -> list[Distribution]:
    """The installed libraries that the file names, and those that they need, by name.

    Raises:
        CloudError: One is not installed.
    """
    lines = requirements.read_text(encoding="utf-8").splitlines()
    open_ = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    found: dict[str, Distribution] = {}
    while open_:
        wanted = open_.pop()
        name = canonicalize_name(wanted.name)
        if name in found or name in PARTLY:
            continue
        found[name] = made = _installed(wanted)
        open_ += [each for each in map(Requirement, made.requires or ()) if _applies(each, wanted.extras)]
    return [found[name] for name in sorted(found)]


def copy_libraries(
    distributions: Iterable[Distribution], folder: Path, platforms: Sequence[str] = PLATFORMS
) -> None:
    """Copy what is needed of each; one that is compiled for another platform is fetched by pip."""
    fetched = []
    for each in distributions:
        if _runs_on(each, platforms):
            _copy(_files(each), folder)
        else:
            fetched.append(f"{each.name}=={each.version}")
    if fetched:
        with TemporaryDirectory(prefix="headrace-libraries-") as place:
            _fetch(fetched, Path(place), platforms)
            _copy(((p, p.relative_to(place)) for p in sorted(Path(place).rglob("*")) if p.is_file()), folder)


def _installed(wanted: Requirement) -> Distribution:
    try:
        return distribution(wanted.name)
    except PackageNotFoundError:
        raise CloudError(
            f"{wanted.name} is not installed, and is needed for the Lambda.",
            'Install what deploying needs: pip install "headrace[aws]"',
        ) from None


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({**LAMBDA, "extra": extra}) for extra in ("", *extras))


def _runs_on(each: Distribution, platforms: Sequence[str]) -> bool:
    said = re.findall(r"^Tag: (\S+)-(\S+)-(\S+)$", each.read_text("WHEEL") or "", re.MULTILINE)
    tags = {Tag(version, abi, platform) for version, abi, many in said for platform in many.split(".")}
    return any(tag.platform == "any" for tag in tags) or not tags.isdisjoint(
        cpython_tags(sys.version_info[:2], platforms=platforms)
    )


def _files(each: Distribution) -> Iterator[tuple[Path, Path]]:
    for file in each.files or ():
        if ".." not in file.parts:
            yield Path(str(file.locate())), Path(*file.parts)


def _copy(files: Iterable[tuple[Path, Path]], folder: Path) -> None:
    for source, inside in files:
        if needed(inside):
            target = folder / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _fetch(wanted: list[str], place: Path, platforms: Sequence[str]) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--target", str(place), "--implementation", "cp"]
    command += ["--python-version", f"{sys.version_info.major}.{sys.version_info.minor}"]
    for platform in platforms:
        command += ["--platform", platform]
    done = subprocess.run([*command, *wanted], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise CloudError(
            f"pip did not get {', '.join(wanted)} for Lambda's platform: {last}",
            "Look at the network and at pip's index, then repeat the command.",
        )
