"""The Lambdas' zip: within its budget, complete, compiled, and the same bytes each time."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from benchmarks.package import ENVIRONMENT, MEGABYTE, command
from infra.errors import CloudError
from infra.packaging import RUNTIME, Package, build, libraries
from infra.packaging.trimming import needed
from infra.stack import Shape, whole
from tests.aws.conftest import ROOT


def clean(folder: Path, code: str) -> str:
    """Run code in an interpreter that has nothing but the folder; its output."""
    done = subprocess.run(
        command(folder, code, "-W", "error"), capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_zip_is_within_its_budget(package: Package) -> None:
    print(f"{package.zipped / MEGABYTE:.1f} MB zipped, {package.unzipped / MEGABYTE:.1f} MB unpacked")
    assert package.zipped <= 20 * MEGABYTE
    assert package.unzipped <= 250 * MEGABYTE


def test_the_same_input_gives_the_same_bytes(package: Package, tmp_path: Path) -> None:
    again = build(ROOT, tmp_path / "again.zip")
    assert again.digest == package.digest
    assert again.key == f"code/{package.digest}.zip"


def test_every_module_of_the_control_plane_imports_in_a_clean_interpreter(unpacked: Path) -> None:
    code = """
import importlib, json, pkgutil
import app, chalicelib
names = [module.name for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib.")]
for name in [*names, "headrace.contract", "cronsim", "dateutil.rrule", "jsonschema"]:
    importlib.import_module(name)
from jsonschema import Draft202012Validator
Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"}).validate({"type": "string"})
from zoneinfo import ZoneInfo, reset_tzpath
reset_tzpath([])
ZoneInfo("Europe/Vienna")
import botocore.session
for service in ("dynamodb", "s3", "sqs", "sts"):
    botocore.session.get_session().create_client(service, aws_access_key_id="x", aws_secret_access_key="x")
print(json.dumps({"routes": len(app.app.routes), "modules": len(names)}))
"""
    found = json.loads(clean(unpacked, code))
    assert found["routes"] > 50
    assert found["modules"] > 80


def test_all_bytecode_is_believed_without_a_look_at_the_source(package: Package) -> None:
    with ZipFile(package.path) as archive:
        names = archive.namelist()
        compiled = [name for name in names if name.endswith(".pyc")]
        assert len(compiled) == sum(name.endswith(".py") for name in names)
        for name in compiled:
            (flags,) = struct.unpack("<I", archive.read(name)[4:8])
            assert flags == 0b01, f"{name}: hash-based, unchecked"  # PEP 552


def test_what_lambda_does_not_need_is_not_in_it(package: Package) -> None:
    with ZipFile(package.path) as archive:
        names = set(archive.namelist())
    tops = {name.split("/")[0] for name in names}
    assert not tops & {"boto3", "moto", "typer", "httpx", "rich", "pip", "s3transfer", "infra"}
    assert not [name for name in names if "/tests/" in name or ".dist-info/" in name]
    assert {
        name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2
    } == {
        "dynamodb",
        "s3",
        "sqs",
        "sts",
    }
    ours = {name for name in names if name.startswith("headrace/") and name.endswith(".py")}
    assert all(name.startswith("headrace/contract/") for name in ours - {"headrace/__init__.py"})


def test_nothing_in_the_zip_tells_where_it_was_packed(package: Package, unpacked: Path) -> None:
    places = {str(ROOT).encode(), os.fsencode(Path.home())}
    for path in unpacked.rglob("*.pyc"):
        content = path.read_bytes()
        assert not [place for place in places if len(place) > 8 and place in content], path


def test_the_functions_run_the_python_that_packed_them() -> None:
    import app

    made = whole(ROOT, app.app, Shape("prod", "code/0.zip"))["Resources"]
    assert {made[name]["Properties"]["Runtime"] for name in ("APIHandler", "Tick")} == {RUNTIME}


def test_a_library_for_another_platform_is_fetched_and_pip_s_refusal_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wanted = libraries.closure(ROOT / "requirements.txt")
    with pytest.raises(CloudError, match=r"pip did not get .*pydantic_core==.* for Lambda's platform"):
        libraries.copy_libraries(wanted, tmp_path, ["no_such_platform"])


def test_a_library_that_is_not_installed_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("# libraries\nno-such-library-of-anybody>=1\n")
    with pytest.raises(CloudError, match="no-such-library-of-anybody is not installed"):
        libraries.closure(tmp_path / "requirements.txt")


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ("botocore/data/endpoints.json", True),
        ("botocore/data/sqs/2012-11-05/service-2.json.gz", True),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", False),
        ("jsonschema/tests/test_cli.py", False),
        ("pydantic/main.py", True),
        ("pydantic/v1/main.py", False),
        ("rpds/rpds.cpython-311-x86_64-linux-gnu.so", True),
        ("six-1.17.0.dist-info/METADATA", False),
        ("pydantic/main.pyi", False),
    ],
)
def test_which_files_are_needed(place: str, kept: bool) -> None:
    assert needed(Path(place)) is kept
