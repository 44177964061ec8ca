"""What is packed: the Lambda's zip and the wheel, each tried in an interpreter that knows nothing of this checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = sysconfig.get_paths()["purelib"]
AWS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}


def copy_of_the_project(target: Path) -> Path:
    ignore = shutil.ignore_patterns(
        "__pycache__", ".venv", ".git", ".hypothesis", "tests", "examples", "docs"
    )
    shutil.copytree(ROOT, target, symlinks=True, ignore=ignore)
    return target


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `chalice package` puts into the zip, without the libraries (they would need the network)."""
    project = copy_of_the_project(tmp_path_factory.mktemp("chalice") / "project")
    (project / "requirements.txt").write_text("")
    out = project / "out"
    command = [Path(sys.executable).with_name("chalice"), "package", "--stage", "dev", str(out)]
    environment = {
        **os.environ,
        **AWS,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(project / "workers"),
    }
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    target = project / "unpacked"
    with zipfile.ZipFile(out / "deployment.zip") as archive:
        archive.extractall(target)
    return target


def test_the_lambda_has_the_contract_and_the_control_plane(unpacked: Path) -> None:
    assert (unpacked / "app.py").exists()
    assert (unpacked / "chalicelib" / "wiring.py").exists()
    assert (unpacked / "headrace" / "contract" / "sync.py").exists()


def test_the_lambda_imports_in_a_clean_interpreter(unpacked: Path) -> None:
    code = (
        f"import sys; sys.path[:0] = [{str(unpacked)!r}]; sys.path.append({LIBRARIES!r})\n"
        "import app, headrace.contract.sync\n"
        "print(headrace.__file__); print(len(app.app.routes))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False, env={**AWS}
    )
    assert done.returncode == 0, done.stderr
    where, routes = done.stdout.split()
    assert where.startswith(str(unpacked))
    assert int(routes) > 20


def test_the_template_of_the_lambda_grants_no_more_than_the_policy_file(unpacked: Path) -> None:
    resources = json.loads((unpacked.parent / "out" / "sam.json").read_text())["Resources"]
    for role, name in (("ApiHandlerRole", "api"), ("TickRole", "tick")):
        written = json.loads((ROOT / ".chalice" / f"policy-dev-{name}.json").read_text())
        (policy,) = resources[role]["Properties"]["Policies"]
        assert policy["PolicyDocument"] == written


@pytest.fixture(scope="module")
def wheel_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty virtual environment with the built wheel, and this one's libraries behind it."""
    place = tmp_path_factory.mktemp("wheel")
    project = copy_of_the_project(place / "project")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(project)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    home = place / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    (wheel,) = place.glob("*.whl")
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(LIBRARIES + "\n")
    return python


def test_the_wheel_puts_no_top_level_chalicelib_into_the_environment(wheel_python: Path) -> None:
    code = "import importlib.util as u; print(u.find_spec('chalicelib'), u.find_spec('app'))"
    done = subprocess.run([wheel_python, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.split() == ["None", "None"]


def test_the_wheel_runs_the_demo(wheel_python: Path, tmp_path: Path) -> None:
    """The demo of the README with nothing but the wheel: the server is served from inside it."""
    for folder in ("examples", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=n", "-c", "user.email=e@x", "commit", "-qm", "m"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    path = f"{wheel_python.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [wheel_python, "scripts/demo.py"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Completed" in done.stdout


def test_the_wheel_packs_the_very_lambda_of_the_checkout(wheel_python: Path, tmp_path: Path) -> None:
    """Deploying needs no checkout: what `headrace cloud up` sends is in the wheel."""
    code = (
        "import sys; from pathlib import Path\n"
        "from headrace.local.infra import cloud\n"
        "root = cloud().ROOT\n"
        "from infra.packaging import build\n"
        "print(root, build(root, Path(sys.argv[1])).digest)"
    )
    project = wheel_python.parents[2] / "project"
    made = []
    for python, path in ((wheel_python, ""), (Path(sys.executable), str(project / "workers"))):
        done = subprocess.run(
            [python, "-c", code, str(tmp_path / "code.zip")],
            cwd=tmp_path,
            env={**os.environ, **AWS, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        made.append(done.stdout.split())
    (wheel, of_wheel), (checkout, of_checkout) = made
    assert wheel.endswith("headrace/_control_plane")
    assert checkout == str(project)
    assert of_wheel == of_checkout
