"""`headrace worker install`: what it writes, for whom to read, and that it never writes over anything."""

from __future__ import annotations

import json
import os
import plistlib
import pwd
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headrace import __version__
from headrace.bundles.choosing import chosen
from headrace.cli.installing import systemd
from headrace.cli.installing.service import Service, merged
from tests.unit.cli.conftest import Cli, Result
from tests.unit.cli.fake_api import Answer, FakeApi

KEY = "hr_abc_very-secret"
AWKWARD = "a \"b\" 50% $HOME \\x; `id` 'c' ü"
MANAGERS = ["systemd", "launchd", "docker"]
LINES = {"systemd": ".service", "launchd": ".plist", "docker": "Dockerfile"}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "me").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("HEADRACE_API_URL", "https://api.example.org/prod/api")
    monkeypatch.setenv("HEADRACE_API_KEY", KEY)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody answers, and nothing leaves this host
    monkeypatch.chdir(tmp_path / "me")
    return tmp_path / "me"


def files(place: Path) -> dict[str, Path]:
    return {str(path.relative_to(place)): path for path in place.rglob("*") if path.is_file()}


def words_of(place: Path, manager: str) -> list[str]:
    """The command line as the service manager reads it."""
    path = next(path for name, path in files(place).items() if name.endswith(LINES[manager]))
    if manager == "launchd":
        return [str(word) for word in plistlib.loads(path.read_bytes())["ProgramArguments"]]
    line = next(
        line for line in path.read_text().splitlines() if line.startswith(("ExecStart=", "ENTRYPOINT "))
    )
    if manager == "docker":
        return list(json.loads(line.removeprefix("ENTRYPOINT ")))
    # What systemd.service(5) says of a command line, in the part that shlex shares with it.
    return [w.replace("%%", "%").replace("$$", "$") for w in shlex.split(line.removeprefix("ExecStart="))]


@pytest.mark.parametrize("manager", MANAGERS)
def test_every_word_reaches_the_worker(cli: Cli, place: Path, manager: str) -> None:
    options = ["--pool", AWKWARD, "--work-queue", "q 1", "-q", "%h", "--limit", "3", "--name", "n 'x"]
    done = cli("worker", "install", f"--{manager}", *options, "--on-disconnect", "continue")
    assert (done.code, done.err) == (0, "")
    wanted = ["worker", "start", f"--pool={AWKWARD}", "--work-queue=q 1", "--work-queue=%h", "--limit=3"]
    found = words_of(place, manager)
    assert found[found.index("worker") :] == [*wanted, "--name=n 'x", "--on-disconnect=continue"]


@pytest.mark.parametrize("manager", MANAGERS)
def test_the_key_is_in_a_file_of_mode_600_and_nowhere_else(cli: Cli, place: Path, manager: str) -> None:
    done = cli("worker", "install", f"--{manager}", "--pool", "p")
    assert KEY not in done.out + done.err
    holders = [path for path in files(place).values() if KEY in path.read_text()]
    assert [path.suffix for path in holders] == [".env"]
    assert holders[0].stat().st_mode & 0o777 == 0o600
    shown = cli("worker", "install", f"--{manager}", "--pool", "p", "--print")
    assert shown.code == 0
    assert "HEADRACE_API_KEY=(hidden)" in shown.out
    assert KEY not in shown.out + shown.err


@pytest.mark.parametrize("manager", MANAGERS)
def test_it_tells_how_to_go_on(cli: Cli, manager: str) -> None:
    done = cli("worker", "install", f"--{manager}", "--pool", "p")
    tool = {
        "systemd": "systemctl --user enable --now",
        "launchd": "launchctl bootstrap gui/",
        "docker": "docker run",
    }
    assert tool[manager] in done.out
    assert "Read its log" in done.out


@pytest.mark.parametrize("manager", MANAGERS)
def test_printing_writes_nothing(cli: Cli, place: Path, manager: str) -> None:
    assert cli("worker", "install", f"--{manager}", "--pool", "p", "--print").code == 0
    assert files(place) == {}


@pytest.mark.parametrize("manager", MANAGERS)
def test_what_is_there_stays(cli: Cli, place: Path, manager: str) -> None:
    assert cli("worker", "install", f"--{manager}", "--pool", "p").code == 0
    before = {name: path.read_text() for name, path in files(place).items()}
    again = cli("worker", "install", f"--{manager}", "--pool", "p", "--limit", "2")
    assert again.code == 1
    assert "already" in again.err
    assert "--force" in again.err
    assert {name: path.read_text() for name, path in files(place).items()} == before


def test_force_keeps_what_others_wrote_into_the_environment_file(
    cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("worker", "install", "--systemd", "--pool", "p").code == 0
    path = place / ".config/headrace/headrace-worker-p.env"
    path.write_text(path.read_text() + "# mine\nGIT_TOKEN=abc\n")
    path.chmod(0o644)
    monkeypatch.setenv("HEADRACE_API_KEY", "hr_new_key")
    assert cli("worker", "install", "--systemd", "--pool", "p", "--limit", "2", "--force").code == 0
    text = path.read_text()
    assert text.splitlines()[-2:] == ["# mine", "GIT_TOKEN=abc"]
    assert text.count("HEADRACE_API_KEY=") == 1
    assert "HEADRACE_API_KEY=hr_new_key" in text
    assert path.stat().st_mode & 0o777 == 0o600
    assert "--limit=2" in words_of(place, "systemd")


def test_merging() -> None:
    assert merged("A=1\n", "B=2\nA=0\n\nC=3") == "A=1\nB=2\n\nC=3\n"


def test_a_shell_reads_the_environment_file_back(
    cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f'{os.environ["PATH"]}:/a b/$HOME/"q"/`id`/\\'
    monkeypatch.setenv("PATH", path)
    assert cli("worker", "install", "--launchd", "--pool", "p").code == 0
    job = plistlib.loads(next(place.rglob("*.plist")).read_bytes())
    shell = job["ProgramArguments"][:4]
    code = "import os; print(os.environ['HEADRACE_API_KEY'], os.environ['PATH'])"
    done = subprocess.run(
        [*shell, sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{KEY} {path}\n"
    assert job["KeepAlive"] is True
    assert job["AbandonProcessGroup"] is True
    assert "EnvironmentVariables" not in job


def test_the_user_of_a_daemon_can_read_its_environment_file(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """launchd starts a shell as that user, and it is the shell that reads the file."""
    given: list[tuple[str, int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, user, group: given.append((path.name, user, group)))
    words = ("--pool", "p", "--system", "--output-dir", str(tmp_path / "out"))
    assert cli("worker", "install", "--launchd", *words, "--run-as", "nobody").code == 0
    ((name, user, group),) = given
    assert name.startswith(".headrace-worker-p.env.")
    assert (user, group) == (pwd.getpwnam("nobody").pw_uid, -1)
    unknown = cli("worker", "install", "--launchd", *words, "--run-as", "no-such-user", "--force")
    assert (unknown.code, "There is no user 'no-such-user' here." in unknown.err) == (1, True)
    assert cli("worker", "install", "--systemd", *words, "--run-as", "nobody", "--force").code == 0
    assert len(given) == 1, "systemd reads it as root"


@pytest.mark.parametrize("system", [False, True])
def test_systemd_itself_finds_nothing_wrong(cli: Cli, tmp_path: Path, system: bool) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    folder, run = tmp_path / "o p", tmp_path / "run"
    run.mkdir(mode=0o700)
    extra = ["--system", "--run-as", "root"] if system else []
    options = ["--pool", AWKWARD, "--name", AWKWARD, "--output-dir", str(folder)]
    assert cli("worker", "install", "--systemd", *options, *extra).code == 0
    unit = next(folder.glob("*.service"))
    which = [] if system else ["--user"]
    done = subprocess.run(
        ["systemd-analyze", *which, "verify", str(unit)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(run)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if unit.name in line]) == (0, [])
    assert ("User=root" in unit.read_text()) is system


def test_a_system_service_goes_where_the_machine_looks(cli: Cli) -> None:
    shown = cli("worker", "install", "--systemd", "--pool", "p", "--system", "--run-as", "etl", "--print").out
    assert "# /etc/systemd/system/headrace-worker-p.service (mode 644)" in shown
    assert "# /etc/headrace/headrace-worker-p.env (mode 600)" in shown
    assert "User=etl" in shown
    assert "WantedBy=multi-user.target" in shown
    shown = cli("worker", "install", "--launchd", "--pool", "p", "--system", "--run-as", "etl", "--print").out
    assert "# /Library/LaunchDaemons/dev.headrace.headrace-worker-p.plist" in shown
    assert "<key>UserName</key>\n\t<string>etl</string>" in shown


def test_a_restart_replaces_the_worker_alone() -> None:
    service = Service("p", None, ("/x",), (), {}, Path("/h"))
    unit = systemd.plan(service, None).files[0].text
    settings = dict(
        line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#")
    )
    assert settings["KillMode"] == "process"
    assert settings["RestartKillSignal"] == "SIGHUP"
    assert settings["Restart"] == "always"
    assert settings["OOMPolicy"] == "continue"


def test_the_dockerfile_has_every_part_in_order(cli: Cli, place: Path) -> None:
    done = cli("worker", "install", "--docker", "--pool", "p")
    folder = place / "headrace-worker-p"
    logical = (folder / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    kinds = [line.split()[0] for line in logical if line and not line.startswith("#")]
    wanted = ["FROM", "RUN", "ARG", "WORKDIR", "COPY", "RUN"]
    assert kinds == [*wanted, "USER", "WORKDIR", "ENV", "VOLUME", "STOPSIGNAL", "ENTRYPOINT"]
    # Of the files that COPY names, one is always there: without it, no wheel would be an error.
    assert "COPY Dockerfile *.whl ./" in logical
    assert (
        f"--build-arg HEADRACE=./headrace-{__version__}-py3-none-any.whl --tag headrace-worker-p" in done.out
    )
    for name in (".dockerignore", ".gitignore"):
        assert "worker.env" in (folder / name).read_text().splitlines()
    # Docker takes the rest of the line as the value, quotes and all.
    values = dict(line.split("=", 1) for line in (folder / "worker.env").read_text().splitlines())
    assert values == {"HEADRACE_API_URL": "https://api.example.org/prod/api", "HEADRACE_API_KEY": KEY}
    assert f"--env-file {folder}/worker.env" in done.out


@pytest.mark.parametrize("manager", MANAGERS)
def test_no_two_workers_share_their_files(cli: Cli, place: Path, manager: str) -> None:
    own = [
        ("my-pool", None),
        ("my pool", None),
        ("my.pool", None),
        ("My-Pool", None),
        ("my", "pool"),
        ("my", "Pool"),
        ("other", "pool"),
        ("pool", None),
        ("-", None),
    ]
    made = 0
    for pool, name in own:
        more = () if name is None else ("--name", name)
        done = cli("worker", "install", f"--{manager}", f"--pool={pool}", *more)
        assert (done.code, done.err) == (0, "")
        before, made = made, len({path.lower() for path in files(place)})
        assert made - before == (4 if manager == "docker" else 2), (pool, name)
    assert any(
        "headrace-worker-my-pool" + end in "".join(files(place)) for end in (".service", ".plist", "/")
    )


def test_what_a_container_cannot_reach_is_said(cli: Cli, api: FakeApi) -> None:
    done = cli("worker", "install", "--docker", "--pool", "p")
    assert "the container itself" in done.err


def test_a_list_of_others_is_kept_and_completed(cli: Cli, place: Path) -> None:
    (place / ".gitignore").write_text("*.log\nbuild")
    assert cli("worker", "install", "--docker", "--pool", "p", "--output-dir", str(place)).code == 0
    lines = (place / ".gitignore").read_text().splitlines()
    assert (lines[:2], lines[-1]) == (["*.log", "build"], "worker.env")
    assert cli("worker", "install", "--docker", "--pool", "p", "--output-dir", ".", "--force").code == 0
    assert (place / ".gitignore").read_text().splitlines() == lines


def test_a_folder_with_a_worker_keeps_its_key_out_of_bundles(cli: Cli, place: Path) -> None:
    (place / "flow.py").write_text("")
    assert cli("worker", "install", "--docker", "--pool", "p").code == 0
    assert cli("worker", "install", "--systemd", "--pool", "p", "--output-dir", ".").code == 0
    assert [name for name in chosen(place) if KEY in (place / name).read_text()] == []
    assert "flow.py" in chosen(place)


@pytest.mark.parametrize(
    ("me", "says"),
    [
        ({"keys_required": True, "role": "admin"}, "of the role admin"),
        ({"keys_required": True, "role": "worker", "work_pool_name": "q"}, "for the pool 'q'"),
        ({"keys_required": True, "role": "worker", "work_pool_name": "p"}, None),
        ({"keys_required": False, "role": "admin"}, None),
    ],
)
def test_a_key_that_is_not_the_workers_own_is_said(
    cli: Cli, api: FakeApi, me: dict[str, object], says: str | None
) -> None:
    api.on("GET", "/me", Answer(me))
    done = cli("worker", "install", "--systemd", "--pool", "p")
    assert done.code == 0
    if says is None:
        assert done.err == ""
    else:
        assert says in done.err
        assert "headrace api-key create NAME --role worker --pool p" in done.err


def test_a_missing_key_is_said(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_API_KEY")
    assert "No API key is set" in cli("worker", "install", "--systemd", "--pool", "p").err


def refused(done: Result, text: str, place: Path) -> None:
    assert done.code in (1, 2)
    assert text in done.err
    assert "Traceback" not in done.err
    assert not done.out
    assert files(place) == {}


BAD = [
    ("--systemd", "--pool"),
    ("--pool p", "--systemd, --launchd and --docker"),
    ("--systemd --docker --pool p", "--systemd and --docker contradict each other"),
    ("--systemd --pool ''", "is not a name"),
    ("--systemd --pool a/b", "is not a name"),
    ("--systemd --pool p --name ' '", "is not a name"),
    ("--systemd --pool p --work-queue a/b", "is not a name"),
    ("--systemd --pool p --limit 0", "--limit"),
    ("--systemd --pool p --limit many", "--limit"),
    ("--systemd --pool p --on-disconnect wait", "wait"),
    ("--systemd --pool p --run-as etl", "--run-as says"),
    ("--systemd --pool p --system --run-as ''", "--run-as says"),
    ("--docker --pool p --system", "contradict each other"),
    ("--systemd --pool p extra", "unexpected extra argument"),
    ("--systemd --pool $'a\\nb'", "control character"),
    ("--docker --pool $'a\\nb'", "control character"),
    ("--launchd --pool $'a\\nb'", "control character"),
    ("--systemd --pool p --output-dir /dev/null/x", "--output-dir"),
    ("--systemd --pool p --output-dir", "--output-dir"),
]


@pytest.mark.parametrize(("line", "says"), BAD, ids=[line for line, _ in BAD])
def test_bad_input(cli: Cli, place: Path, line: str, says: str) -> None:
    words = shlex.split(line.replace("$'a\\nb'", "'a\nb'"))
    refused(cli("worker", "install", *words), says, place)


def test_no_control_plane_is_said(cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_API_URL")
    refused(cli("worker", "install", "--systemd", "--pool", "p"), "No control plane is configured", place)


def test_a_key_of_two_lines_is_refused(cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_API_KEY", "hr_a\nLD_PRELOAD=x")
    refused(cli("worker", "install", "--docker", "--pool", "p"), "HEADRACE_API_KEY holds a line break", place)
