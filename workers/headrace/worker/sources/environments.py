"""The steps `pip_install` and `pip_install_requirements`: a virtual environment per set of requirements.

It is named by a digest of all that decides what is in it, so deployments that want the same share it, and
those that want different things do not disturb each other. A later step of the same run gets one that has what
the earlier ones installed as well. The run then uses its interpreter. Headrace's engine, which needs nothing but
the standard library, is linked into it unless the requirements bring it.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import headrace
from headrace.bundles.choosing import chosen
from headrace.contract.base import Json
from headrace.project.files import is_skipped
from headrace.worker.sources.commands import Done, run_command
from headrace.worker.sources.errors import SourceError
from headrace.worker.sources.shell import folder_of
from headrace.worker.sources.workshop import Job

SECONDS = 1800.0
_FILE = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)")
_LOCAL = re.compile(r"^\s*(?:-e\b|--editable\b|\.{0,2}[/\\]|\.\s*$|\.\[|file:)|@\s*(?:file:|\.)")
_ABOUT = "import sys, sysconfig, json; print(json.dumps([sys.version, sysconfig.get_platform()]))"


def pip_install_requirements(options: Json, job: Job) -> dict[str, object]:
    """Install a requirements file (`requirements_file`, default requirements.txt)."""
    name = options.get("requirements_file") or options.get("requirements") or "requirements.txt"
    return _install(["-r", str(name)], options, job)


def pip_install(options: Json, job: Job) -> dict[str, object]:
    """Install `packages`, a list of requirements, or a requirements file."""
    packages = options.get("packages")
    if packages is None:
        return pip_install_requirements(options, job)
    words = packages.split() if isinstance(packages, str) else packages
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise SourceError('`packages` must be a list such as ["pandas==2.2"]')
    if options_given := [word for word in words if word.startswith("-")]:
        raise SourceError(f"{options_given[0]!r} is no package; options belong into a requirements file")
    return _install(["--", *words], options, job)


def _install(arguments: list[str], options: Json, job: Job) -> dict[str, object]:
    folder = folder_of(options, job)
    base = job.base_python
    installs = [*job.installs, (arguments, folder)]
    content = [_content(*install) for install in installs]
    about = _must(job, [base, "-c", _ABOUT], folder, "python").stdout
    told = json.dumps([content, about, base, str(Path(headrace.__file__).parent)])
    name = f"environments/{hashlib.sha256(told.encode()).hexdigest()[:32]}"

    def make(target: Path) -> None:
        _must(job, [base, "-m", "venv", str(target)], folder, "python -m venv")
        pip = [str(_python(target)), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        for words, where in installs:
            _must(job, [*pip, "--quiet", *words], where, "pip install")
        _link_engine(target)

    job.installs = installs
    job.python = _python(job.workshop.cache.get(name, job.key, make))
    return {"python": str(job.python)}


def _content(arguments: list[str], folder: Path) -> list[str]:
    """All that decides what pip installs: lines of the files, and of local paths the folder and what is in it."""
    lines: list[str] = []
    if arguments[0] == "-r":
        _read(folder / arguments[1], lines, set())
    else:
        lines += arguments[1:]
    local = [line for line in lines if _LOCAL.search(line)]
    told = [text for line in local for text in _seen(folder, line)]
    return [*lines, str(folder.resolve()), *told] if local else lines


def _seen(folder: Path, line: str) -> list[str]:
    """Names, sizes and times of the files of a local package, so that one that was edited is installed anew."""
    place = folder / (_path(line) or ".")
    if not place.is_dir():
        return [_state(place)] if place.is_file() else []
    # What pip makes there while it installs does not count: it would be another package each time.
    own = [name for name in chosen(place) if not any(map(is_skipped, name.split("/")[:-1]))]
    return [_state(place / name) for name in own]


def _path(line: str) -> str:
    """The path in `-e ./package[extra]`, `package @ file:///path` or `../package`."""
    text = re.sub(r"^\s*(-e|--editable)[\s=]*", "", line).rpartition("@ ")[2]
    return unquote(re.sub(r"^file:(//)?", "", re.sub(r"\[[^\]]*\]\s*$", "", text.partition(";")[0].strip())))


def _state(path: Path) -> str:
    about = path.lstat()
    return f"{path}:{about.st_size}:{about.st_mtime_ns}"


def _read(path: Path, lines: list[str], seen: set[Path]) -> None:
    path = path.resolve()
    if path in seen:
        return
    seen.add(path)
    if not path.is_file():
        raise SourceError(f"the requirements file {path} does not exist")
    for line in path.read_text(encoding="utf-8-sig").splitlines():
        text = line.partition(" #")[0].strip()
        if text and not text.startswith("#"):
            lines.append(text)
            if (match := _FILE.match(text)) and "://" not in (name := _path(match.group(1))):
                # What lies elsewhere is pip's to fetch; it is read when the environment is made.
                _read(path.parent / name, lines, seen)


def _must(job: Job, argv: list[str], cwd: Path, what: str) -> Done:
    own = job.workshop.environ
    env = job.environment() | {name: value for name, value in own.items() if name.startswith("PIP_")}
    env.pop("PYTHONPATH", None)
    done = run_command(
        argv, env=env, cwd=cwd, seconds=SECONDS, redactor=job.redactor, leash=job.leash, what=what
    )
    if done.status:
        hint = next((hint for words, hint in _HINTS if any(word in done.output for word in words)), None)
        raise SourceError(f"{what} ended with exit code {done.status}", output=done.output, hint=hint)
    return done


def _python(target: Path) -> Path:
    return target / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _link_engine(target: Path) -> None:
    """The engine of this very worker, and of its packages nothing else."""
    pattern = "Lib/site-packages" if sys.platform == "win32" else "lib/python*/site-packages"
    for site in target.glob(pattern):
        link = site / "headrace"
        if not link.exists():
            link.symlink_to(Path(headrace.__file__).parent, target_is_directory=True)


_HINTS = (
    (("ensurepip",), "On Debian and Ubuntu, venv is a package of its own: apt install python3-venv."),
    (
        ("Could not connect", "NewConnectionError", "Name or service not known", "timed out", "ProxyError"),
        "Can this worker's host reach the package index? PIP_INDEX_URL and HTTPS_PROXY in the worker's environment "
        "say where it is.",
    ),
    (
        ("No matching distribution", "Could not find a version"),
        "The index has no such package or version for this worker's Python and platform: correct the name or the "
        "version, or name another index (PIP_INDEX_URL in the worker's environment).",
    ),
    (
        ("ResolutionImpossible", "conflicting dependencies"),
        "The requirements contradict each other: pin versions that go together (pip-compile finds some).",
    ),
    (
        ("Failed building wheel", "subprocess-exited-with-error", "Failed to build"),
        "A package must be built, and cannot be on this worker: install its compiler and headers there, or pin a "
        "version that has a wheel.",
    ),
    (
        ("No space left on device", "Disk quota exceeded"),
        "Make room on this worker's disk, or lower HEADRACE_CACHE_MB.",
    ),
)
"""What pip says, and what that usually means."""
