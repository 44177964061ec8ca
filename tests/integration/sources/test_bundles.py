"""Bundles through the embedded control plane: presigned addresses, S3, and the worker's cache."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from headrace.bundles import Bundle, pack
from headrace.client.api import Api
from headrace.client.errors import ApiError, Invalid, NotFound, TooLarge
from headrace.client.transport import Transport
from headrace.contract.bundles import BUNDLE_BYTES, BundleCreate
from headrace.worker.sources import SourceError
from headrace.worker.sources.bundle import pull_bundle
from tests.integration.sources.conftest import Site, make

SERVER = """
import sys
from pathlib import Path
from headrace.local.server import EmbeddedServer, ServerOptions
home = Path(sys.argv[1])
server = EmbeddedServer(ServerOptions(port=0, data_dir=home / "server", home=home))
server.start()
print(server.api_url, flush=True)
sys.stdin.read()
server.stop()
"""


def start_server(home: Path) -> tuple[subprocess.Popen[str], str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    command = [sys.executable, "-c", SERVER, str(home)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url.startswith("http")
    return process, url


def stop_server(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    process, url = start_server(tmp_path_factory.mktemp("home"))
    with Api(Transport(url)) as made:
        yield made
    stop_server(process)


def packed(folder: Path, text: str) -> Bundle:
    (make(folder) / "flow.py").write_text(text)
    return pack(folder, folder.parent / f"{folder.name}.zip")


def test_upload_once_download_verify_unpack_once(api: Api, site: Site, tmp_path: Path) -> None:
    bundle = packed(tmp_path / "code", "x = 1\n")
    assert api.bundles.upload(bundle.path) is True
    assert api.bundles.upload(bundle.path, bundle.digest) is False
    downloads: list[str] = []

    def download(digest: str, target: Path) -> None:
        downloads.append(digest)
        api.bundles.download(digest, target)

    site.download = download
    for _ in range(2):
        job = site.job()
        pull_bundle({"digest": bundle.digest, "size": bundle.size}, job)
        assert [path.name for path in job.folder.iterdir()] == ["flow.py"]
    assert downloads == [bundle.digest]


def test_bundles_survive_a_restart_of_the_server(tmp_path: Path) -> None:
    bundle = packed(tmp_path / "code", "kept\n")
    process, url = start_server(tmp_path / "home")
    try:
        with Api(Transport(url)) as api:
            assert api.bundles.upload(bundle.path)
    finally:
        stop_server(process)
    process, url = start_server(tmp_path / "home")
    try:
        with Api(Transport(url)) as api:
            api.bundles.download(bundle.digest, tmp_path / "back.zip")
    finally:
        stop_server(process)
    assert (tmp_path / "back.zip").read_bytes() == bundle.path.read_bytes()


def test_a_bundle_larger_than_other_requests_may_be(api: Api, tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    path.write_bytes(os.urandom(1_000_000) * 12)
    assert api.bundles.upload(path)


def test_what_is_refused(api: Api) -> None:
    with pytest.raises(TooLarge, match="100000000 are allowed"):
        api.bundles.create(BundleCreate(digest="sha256:" + "0" * 64, size=BUNDLE_BYTES + 1))
    with pytest.raises(NotFound, match="no bundle"):
        api.bundles.read("sha256:" + "0" * 64)
    with pytest.raises(Invalid, match="digest"):
        api.bundles.read("sha256:../../x")


def test_other_bytes_than_announced_are_not_stored(api: Api, tmp_path: Path) -> None:
    bundle = packed(tmp_path / "code", "announced\n")
    offer = api.bundles.create(BundleCreate(digest=bundle.digest, size=bundle.size))
    assert offer.upload_url is not None
    other = os.urandom(bundle.size)
    assert (
        httpx.put(offer.upload_url, content=other, headers=offer.headers, trust_env=False).status_code == 400
    )
    assert not api.bundles.create(BundleCreate(digest=bundle.digest, size=bundle.size)).exists


def test_the_key_does_not_go_to_the_storage(api: Api, tmp_path: Path) -> None:
    bundle = packed(tmp_path / "code", "keyed\n")
    with Api(Transport(api.transport.api_url, "secret-key")) as keyed:
        offer = keyed.bundles.create(BundleCreate(digest=bundle.digest, size=bundle.size))
        keyed.bundles.upload(bundle.path)
    assert "secret-key" not in json.dumps(offer.model_dump())


def test_a_wrong_download_is_never_used(site: Site, tmp_path: Path) -> None:
    bundle = packed(tmp_path / "code", "right\n")
    options = {"digest": bundle.digest, "size": bundle.size}
    content = bundle.path.read_bytes()
    for wrong, words in ((content[:-1], "bytes instead of"), (content[:-1] + b"x", "other bytes")):
        site.download = lambda _, target, wrong=wrong: target.write_bytes(wrong) and None
        with pytest.raises(SourceError, match=words):
            pull_bundle(options, site.job())
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as zipped:
        zipped.writestr("../evil.py", "x")
    told = pack_digest(evil)
    site.download = lambda _, target: target.write_bytes(evil.read_bytes()) and None
    with pytest.raises(SourceError, match="leads out"):
        pull_bundle({"digest": told}, site.job())
    assert not list(site.home.rglob("evil.py"))
    site.download = lambda _, target: target.write_bytes(content) and None
    job = site.job()
    pull_bundle(options, job)
    assert (job.folder / "flow.py").read_text() == "right\n"


def pack_digest(path: Path) -> str:
    import hashlib

    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def test_no_answer_is_explained(site: Site) -> None:
    def download(digest: str, _: Path) -> None:
        raise ApiError(0, "unreachable", "No answer", hint="Is it running?")

    site.download = download
    with pytest.raises(SourceError, match="cannot be downloaded") as raised:
        pull_bundle({"digest": "sha256:" + "0" * 64}, site.job())
    assert raised.value.hint == "Is it running?"


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.integration.sources.conftest import Site
from headrace.worker.sources.bundle import pull_bundle
import headrace.worker.sources.bundle as source
home, path, digest, where = sys.argv[1:]
content = Path(path).read_bytes()
def download(_, target):
    if where == "download":
        target.write_bytes(content[:10])
        os.kill(os.getpid(), signal.SIGKILL)
    target.write_bytes(content)
unpack = source.unpack
def dying(zipped, folder):
    unpack(zipped, folder)
    next(folder.iterdir()).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
source.unpack = dying
site = Site(Path(home), Path(home), {"PATH": os.environ["PATH"]}, download)
pull_bundle({"digest": digest}, site.job())
"""


@pytest.mark.parametrize("where", ["download", "unpack"])
def test_killed_in_the_middle_then_used(site: Site, tmp_path: Path, where: str) -> None:
    bundle = packed(tmp_path / "code", "whole\n")
    arguments = [str(site.home), str(bundle.path), bundle.digest, where]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], cwd=Path(__file__).parents[3], check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    assert list((site.home / "cache" / "bundles").iterdir())
    site.download = lambda _, target: target.write_bytes(bundle.path.read_bytes()) and None
    job = site.job()
    pull_bundle({"digest": bundle.digest}, job)
    assert (job.folder / "flow.py").read_text() == "whole\n"
    assert not list(site.home.rglob("*.zip"))
