"""S3's objects on disk, and what becomes of those that the disk does not take."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from moto.s3.models import s3_backends

from headrace.local.aws.dynamodb import DynamoDB
from headrace.local.aws.patches import PATCHES
from headrace.local.aws.services import Services
from headrace.local.aws.sqs import SQS
from headrace.local.objects import DAYS, EXPIRING, Objects

resource = pytest.importorskip("resource", reason="Windows has no such limits")
LARGE = b"x" * 2_000_000
CREDENTIAL = "any/20260302/us-east-1/s3/aws4_request"
SIGNED = {"authorization": f"AWS4-HMAC-SHA256 Credential={CREDENTIAL}, Signature=0"}


class Opened:
    """S3 over a data directory."""

    def __init__(self, directory, **options):
        self.directory = directory
        self.objects = Objects(directory, **options)
        self.objects.load()
        self._services = Services(DynamoDB(), SQS(), self.objects)

    def call(self, method, path, body=b""):
        answer = self._services.answer_http(method, path, SIGNED, body, "")
        return answer.status, answer.body

    def files(self):
        return sorted(path.suffix for path in self.directory.rglob("*") if path.is_file())


@pytest.fixture
def open_objects(tmp_path):
    """Opens the test's objects, each time as a new server would."""
    PATCHES.apply()
    opened = []

    def close():
        for one in opened[-1:]:
            one.objects.close()
        s3_backends["123456789012"]["aws"].reset()

    def open_them(**options):
        close()
        opened.append(Opened(tmp_path / "objects", **options))
        return opened[-1]

    yield open_them
    close()
    PATCHES.undo()


@contextmanager
def full_disk(left=1_000_000):
    """No file can grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (left, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_object_that_the_disk_did_not_take_is_not_there(open_objects):
    s3 = open_objects()
    s3.call("PUT", "/code")
    with full_disk():
        assert s3.call("PUT", "/code/new", LARGE)[0] == 500
    assert s3.call("HEAD", "/code/new")[0] == 404
    assert s3.files() == []
    assert s3.call("PUT", "/code/new", LARGE)[0] == 200, "there is room again"
    assert open_objects().call("GET", "/code/new") == (200, LARGE)


def test_a_failure_names_no_signature(open_objects, caplog):
    s3 = open_objects()
    s3.call("PUT", "/code")
    with full_disk():
        status, said = s3.call(
            "PUT", f"/code/new?X-Amz-Credential={CREDENTIAL}&X-Amz-Signature=0123abc", LARGE
        )
    assert status == 500
    assert "PUT https://s3.amazonaws.com/code/new failed" in caplog.text
    assert b"code/new failed" in said
    assert "0123abc" not in caplog.text + said.decode()


def test_an_object_that_could_not_be_replaced_is_what_it_was(open_objects):
    s3 = open_objects()
    s3.call("PUT", "/code")
    s3.call("PUT", "/code/key", b"old")
    with full_disk():
        assert s3.call("PUT", "/code/key", LARGE)[0] == 500
    assert s3.call("GET", "/code/key") == (200, b"old")
    assert s3.files() == [".object"]
    assert open_objects().call("GET", "/code/key") == (200, b"old")


def test_a_bucket_that_could_not_be_made_is_not_there(open_objects):
    s3 = open_objects()
    s3.call("PUT", "/other")
    (s3.directory / "code").write_bytes(b"in the way")
    assert s3.call("PUT", "/code")[0] == 500
    assert s3.call("PUT", "/code/key", b"x")[0] == 404
    (s3.directory / "code").unlink()
    assert s3.call("PUT", "/code")[0] == 200
    assert s3.call("PUT", "/code/key", b"x")[0] == 200


def test_parameters_go_when_they_would_go_in_the_cloud_and_code_stays(open_objects):
    lifecycle = f"Prefix: {EXPIRING}, ExpirationInDays: {DAYS}"
    assert lifecycle in (Path(__file__).parents[3] / "infra/template.yaml").read_text()
    s3 = open_objects()
    s3.call("PUT", "/stage")
    for key in ("parameters/run/a", "bundles/b"):
        s3.call("PUT", f"/stage/{key}", b"x")
    later = time.time() + DAYS * 86_400
    assert open_objects(clock=lambda: later - 60).call("GET", "/stage/parameters/run/a") == (200, b"x")
    s3 = open_objects(clock=lambda: later + 60)
    assert s3.call("HEAD", "/stage/parameters/run/a")[0] == 404
    assert s3.call("GET", "/stage/bundles/b") == (200, b"x")
    assert s3.files() == [".object"]


def test_with_fsync_names_are_on_disk_before_a_call_is_answered(open_objects, synced):
    s3 = open_objects(fsync=True)
    s3.call("PUT", "/code")
    assert synced[-1] == s3.directory.stat().st_ino
    s3.call("PUT", "/code/key", b"x")
    (written,) = s3.directory.rglob("*.object")
    assert synced[-2:] == [written.stat().st_ino, written.parent.stat().st_ino]
    del synced[:]
    s3.call("DELETE", "/code/key")
    assert synced == [written.parent.stat().st_ino]


def test_without_it_only_what_an_object_holds_is(open_objects, synced):
    s3 = open_objects()
    s3.call("PUT", "/code")
    s3.call("PUT", "/code/key", b"x")
    assert len(synced) == 1
