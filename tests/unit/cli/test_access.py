"""`api-key`, `login`, `logout`: what is sent, what is kept, and that no secret shows where it should not."""

from __future__ import annotations

import io
import json
import shlex
import stat
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import Answer, FakeApi, Seen, error

ID = "b9ddc6f1-fb5d-4340-ac0e-2900d9b74120"
SECRET = f"hr_{'0' * 32}_{'a' * 43}"
KEY = {"id": ID, "name": "ci", "role": "deployer", "created": "2026-03-01T10:00:00Z", "created_by": "ana"}
ME = {"keys_required": True, "role": "deployer", "id": ID, "name": "ci"}
OLD = {"api_url": "http://127.0.0.1:1/api", "api_key": "hr_old"}

BAD = [
    ("api-key", "headrace api-key"),
    ("api-key create", "Missing argument"),
    ("api-key create ci", "--role"),
    ("api-key create ci --role root", "root"),
    ("api-key create ci --role ADMIN", "ADMIN"),
    ("api-key create a/b --role viewer", "name: "),
    ("api-key create '' --role viewer", "name: "),
    (f"api-key create {'x' * 201} --role viewer", "at most 200 characters"),
    ("api-key create ci --role worker", "needs --pool"),
    ("api-key create ci --role admin --pool p", "takes --pool"),
    ("api-key create ci --role worker --pool a/b", "work_pool_name: "),
    ("api-key create ci --role viewer --expires-in soon", "'soon' is not a duration"),
    ("api-key create ci --role viewer --expires-at tomorrow", "'tomorrow' is not a time"),
    ("api-key create ci --role viewer --expires-in 1d --expires-at 2027-01-01", "contradict each other"),
    ("api-key create ci extra --role viewer", "unexpected extra argument"),
    ("api-key ls extra", "unexpected extra argument"),
    ("api-key ls -o yaml", "yaml"),
    ("api-key revoke", "Missing argument"),
    ("api-key revoke ''", "the id or the name"),
    (f"api-key revoke {SECRET}", "not the key itself"),
    ("api-key delete ci", "No such command"),
    ("login extra", "unexpected extra argument"),
    ("login", "--api-url"),
    ("login --api-url", "--api-url"),
    ("login --api-url localhost:4200", "--api-url"),
    ("login --api-url ftp://h/api --api-key k", "--api-url"),
    ("login --api-url ''", "--api-url"),
    ("login --api-url http://h/api", "There is no API key"),
    ("login --api-url http://h/api --api-key ''", "There is no API key"),
    ("login --api-url http://h/api --api-key 'a b'", "is not an API key"),
    ("login --api-url http://h/api --api-key ключ", "is not an API key"),
    (f"login --api-url http://h/api --api-key {'x' * 5000}", "is not an API key"),
    ("login --api-url http://h/api --api-key k --profile ''", "is not a name"),
    ("login --api-url http://h/api --api-key k --profile ' p'", "is not a name"),
    ("login -o xml", "xml"),
    ("logout extra", "unexpected extra argument"),
    ("logout --profile", "--profile"),
    ("logout -o xml", "xml"),
    ("logout --all", "--all"),
    ("worker start --pool p --aws-credentials", "--aws-credentials"),
    ("worker start --pool p --aws-credentials theirs", "theirs"),
    ("server start --advertise", "--advertise"),
    ("server start --advertise ''", "is not an address"),
    ("server start --advertise mill.example", "is not an address"),
    ("server start --advertise ftp://mill.example", "is not an address"),
    ("server start --advertise https://", "is not an address"),
    ("server start --advertise https://mill.example/api", "is not an address"),
    ("server start --advertise https://mill.example?x=1", "is not an address"),
    ("server start --advertise https://me:secret@mill.example", "is not an address"),
    ("server start --advertise https://mill.example:port", "is not an address"),
    ("server start --advertise 'https://[::1'", "is not an address"),
    ("server start --require-keys=yes", "--require-keys"),
]


@pytest.fixture(autouse=True)
def empty_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))


@pytest.mark.parametrize(("line", "said"), BAD, ids=[line[:60] for line, _ in BAD])
def test_wrongly_typed(cli: Cli, api: FakeApi, own_home: Path, line: str, said: str) -> None:
    result = cli(*shlex.split(line))
    assert said in result.err
    assert (result.code, result.out) == (2, "")
    assert "Traceback" not in result.err
    assert SECRET not in result.err
    assert len(result.err.splitlines()) <= 2 or result.err.startswith("Usage:")
    assert api.seen == []
    assert not own_home.exists()


def test_a_new_key_stands_alone_on_stdout(cli: Cli, api: FakeApi) -> None:
    api.on("POST", "/api_keys/", Answer({**KEY, "key": SECRET}, 201))
    done = cli("api-key", "create", "ci", "--role", "worker", "--pool", "p", "--expires-in", "90d")
    assert (done.code, done.out) == (0, f"{SECRET}\n")
    assert SECRET not in done.err
    body = api.sent("POST")[0].body
    assert (body["name"], body["role"], body["work_pool_name"]) == ("ci", "worker", "p")
    assert body["expires_at"].endswith("Z")
    assert cli("api-key", "create", "ci", "--role", "viewer", "-o", "json").json["key"] == SECRET


def test_keys_are_listed_without_secrets(cli: Cli, api: FakeApi) -> None:
    api.on("POST", "/api_keys/filter", Answer([KEY, {**KEY, "expires_at": "2026-03-02T10:00:00Z"}]))
    listed = cli("api-key", "ls", "-o", "json").json
    assert listed[0]["name"] == "ci" and "key" not in listed[0] and "digest" not in listed[0]
    assert "expired" in cli("api-key", "ls").out


@pytest.mark.parametrize("word", ["ci", ID])
def test_revoke_by_name_or_id(cli: Cli, api: FakeApi, word: str) -> None:
    api.on("POST", "/api_keys/filter", Answer([KEY]))
    api.on("GET", f"/api_keys/{ID}", Answer(KEY))
    api.on("DELETE", f"/api_keys/{ID}", Answer(None, 204))
    assert cli("api-key", "revoke", word).code == 0
    assert api.sent("DELETE")[0].query == ""
    assert cli("api-key", "revoke", word, "--yes").code == 0
    assert api.sent("DELETE")[1].query == "last=true"


def test_two_of_a_name_are_not_guessed_at(cli: Cli, api: FakeApi) -> None:
    api.on("POST", "/api_keys/filter", Answer([KEY, KEY]))
    done = cli("api-key", "revoke", "ci")
    assert done.code == 1 and "2 API keys are called 'ci'" in done.err
    assert "There is no API key 'x'" in cli("api-key", "revoke", "x").err
    assert api.sent("DELETE") == []


def _profiles(home: Path) -> dict[str, object]:
    return dict(json.loads((home / "profiles.json").read_text()))


@pytest.mark.parametrize("by_flag", [True, False])
def test_login_checks_the_key_and_keeps_it(
    cli: Cli, api: FakeApi, own_home: Path, monkeypatch: pytest.MonkeyPatch, by_flag: bool
) -> None:
    monkeypatch.delenv("HEADRACE_API_URL")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\nmore\n"))
    api.on("GET", "/me", Answer(ME))
    words = ["--api-key", SECRET] if by_flag else []
    done = cli("login", "--api-url", api.url, *words)
    assert done.code == 0 and "as 'ci' in the role deployer" in done.out
    assert SECRET not in done.out + done.err
    assert api.seen[0].headers["authorization"] == f"Bearer {SECRET}"
    kept = {"active": "default", "profiles": {"default": {"api_url": api.url, "api_key": SECRET}}}
    assert _profiles(own_home) == kept
    assert stat.S_IMODE((own_home / "profiles.json").stat().st_mode) == 0o600
    assert SECRET not in cli("login", "--api-url", api.url, "--api-key", SECRET, "-o", "json").out


def test_a_profile_that_is_made_while_login_waits_is_kept(cli: Cli, api: FakeApi, own_home: Path) -> None:
    def made_meanwhile(_: Seen) -> Answer:
        own_home.mkdir()
        text = json.dumps({"active": "other", "profiles": {"other": OLD}})
        (own_home / "profiles.json").write_text(text)
        return Answer(ME)

    api.on("GET", "/me", made_meanwhile)
    assert cli("login", "--api-url", api.url, "--api-key", SECRET).code == 0
    mine = {"api_url": api.url, "api_key": SECRET}
    assert _profiles(own_home) == {"active": "default", "profiles": {"other": OLD, "default": mine}}


def test_a_key_that_nobody_asks_for_is_not_kept(cli: Cli, api: FakeApi, own_home: Path) -> None:
    api.on("GET", "/me", Answer(ME | {"keys_required": False}))
    done = cli("login", "--api-url", api.url, "--api-key", SECRET)
    assert "as anybody" in done.out and "The key is not kept." in done.out
    assert _profiles(own_home)["profiles"] == {"default": {"api_url": api.url, "api_key": None}}


def test_a_refused_key_is_not_kept(cli: Cli, api: FakeApi, own_home: Path) -> None:
    api.on("GET", "/me", error(401, "unknown_key", "The API key is not known here."))
    done = cli("login", "--api-url", api.url, "--api-key", SECRET)
    assert (done.code, done.out) == (1, "")
    assert "not known here" in done.err and SECRET not in done.err
    assert not own_home.exists()


def test_login_keeps_to_the_profile_of_the_address(cli: Cli, api: FakeApi, own_home: Path) -> None:
    own_home.mkdir()
    profiles = {"default": OLD, "cloud": {"api_url": api.url, "api_key": None}}
    (own_home / "profiles.json").write_text(json.dumps({"active": "default", "profiles": profiles}))
    api.on("GET", "/me", Answer(ME))
    assert cli("login", "--api-url", api.url, "--api-key", SECRET).code == 0
    kept = _profiles(own_home)
    assert kept["active"] == "cloud"
    assert kept["profiles"] == {"default": OLD, "cloud": {"api_url": api.url, "api_key": SECRET}}
    other = cli("login", "--api-url", "http://127.0.0.1:2/api", "--api-key", SECRET)
    assert other.code == 1 and "for another address" in other.err


def test_logout_forgets_the_key_and_nothing_else(cli: Cli, own_home: Path) -> None:
    own_home.mkdir()
    (own_home / "profiles.json").write_text(json.dumps({"active": "old", "profiles": {"old": OLD}}))
    assert "Forgot the key" in cli("logout").out
    assert _profiles(own_home) == {"active": "old", "profiles": {"old": {**OLD, "api_key": None}}}
    assert "has no key" in cli("logout", "--profile", "old").out
    assert cli("logout", "--profile", "nobody").code == 1


def test_logout_without_a_profile(cli: Cli) -> None:
    assert cli("logout").code == 1
