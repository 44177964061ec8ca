"""A warm run finds what a cold one finds, whatever the runs before it did to themselves."""

from __future__ import annotations

import os
from pathlib import Path

from tests.integration.zygote.conftest import Keeper

LOOK = """
import os, signal, sys, resource, threading, gc, locale
def main():
    shown = {name: value for name, value in os.environ.items()
             if name not in ("HEADRACE__FLOW_RUN_ID", "HEADRACE__ATTEMPT")}
    umask = os.umask(0)
    mine = {name for name in sys.modules if name.startswith("etl")}
    zygote = {"ctypes", "_ctypes", "ctypes._endian", "struct", "_struct", "_socket"}
    return {
        "cwd": os.getcwd(), "environ": shown, "umask": umask, "path": sys.path, "argv": [
            sys.argv[0], *(word for word in sys.argv[1:] if not word.isdigit())],
        "orig_argv": [word for word in sys.orig_argv if not word.isdigit()],
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "signals": {str(n): str(signal.getsignal(n)).split(" at ")[0] for n in signal.valid_signals()},
        "pgrp": os.getpgrp() == os.getpid(), "sid": os.getsid(0) == os.getpid(),
        "fds": sorted(os.readlink(f"/proc/self/fd/{n}").split(":")[0] for n in os.listdir("/proc/self/fd")
                      if os.path.exists(f"/proc/self/fd/{n}") or int(n) < 3),
        "limits": [resource.getrlimit(n) for n in (resource.RLIMIT_AS, resource.RLIMIT_CPU,
                   resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)],
        "nice": os.nice(0), "parent": os.getppid(), "threads": threading.active_count(),
        "modules": sorted(set(sys.modules) - mine - zygote - {"headrace.engine.zygote",
                          "headrace.engine.become"}),
        "main": [sys.modules["__main__"].__name__, sys.modules["__main__"].__spec__.name],
        "gc": [gc.isenabled(), gc.get_threshold()], "flags": str(sys.flags),
        "out": [sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering, sys.stdout.isatty(),
                sys.stdout.seekable()],
        "stdin": sys.stdin.read(), "locale": locale.setlocale(locale.LC_ALL),
        "trace": sys.gettrace() is None, "hooks": sys.excepthook is sys.__excepthook__,
    }
"""
RUIN = """
import gc, os, random, signal, sys, time
def main():
    os.chdir("/")
    os.environ.clear()
    os.environ["PATH"] = "/nowhere"
    os.umask(0o777)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGCHLD})
    sys.path[:] = ["/nowhere"]
    sys.argv[:] = ["ruined"]
    sys.modules["json"] = None
    random.seed(1)
    gc.disable()
    os.nice(3)
    os.closerange(0, 21)
"""


def test_a_warm_run_finds_what_a_cold_one_finds(keeper: Keeper) -> None:
    cold = keeper.run(LOOK)
    assert cold.how == "spawn"
    keeper.warm()
    warm = keeper.run(LOOK)
    assert warm.how == "zygote"
    for name in cold.result:
        assert warm.result[name] == cold.result[name], name
    assert warm.result["parent"] == keeper.process.pid


def test_the_next_run_sees_nothing_of_the_one_before(keeper: Keeper) -> None:
    keeper.warm()
    before = keeper.run(LOOK)
    ruined = keeper.run(RUIN)
    assert ruined.how == "zygote"
    # It closed even its own pipes; that it ended well is told by its receipt.
    assert ruined.receipt["state_type"] == "COMPLETED"
    after = keeper.run(LOOK)
    assert (before.how, after.how) == ("zygote", "zygote")
    assert after.result == before.result


def test_each_run_has_its_own_environment_of_the_same_kind(keeper: Keeper) -> None:
    keeper.warm()
    code = (
        "import os\ndef main(): return os.environ['HEADRACE__FLOW_RUN_ID'], os.environ['HEADRACE__ATTEMPT']\n"
    )
    runs = [keeper.order(code) for _ in range(2)]
    ended = keeper.end_of(*runs)
    assert [one.how for one in ended] == ["zygote", "zygote"]
    assert [one.result for one in ended] == [[run, f"{run}:1"] for run in runs]


def test_another_environment_means_another_zygote(keeper: Keeper) -> None:
    keeper.warm()
    code = "import os\ndef main(): return os.environ.get('SHADE')\n"
    first = keeper.run(code, env={"SHADE": "green"})
    assert (first.how, first.result) == ("spawn", "green")
    keeper.warm(env={"SHADE": "blue"})
    assert keeper.run(code, env={"SHADE": "blue"}).result == "blue"
    assert keeper.run(code).result is None
    assert len(keeper.zygotes()) == 2


def test_random_numbers_differ_from_run_to_run(keeper: Keeper) -> None:
    code = "import random, uuid, os\ndef main(): return random.random(), str(uuid.uuid4()), os.urandom(8).hex()\n"
    more = {"preload": ["random", "uuid"]}
    keeper.warm(**more)
    ended = [keeper.run(code, **more) for _ in range(3)]
    assert {one.how for one in ended} == {"zygote"}
    for values in zip(*(one.result for one in ended), strict=True):
        assert len(set(values)) == 3


def test_a_users_module_is_imported_after_the_fork(keeper: Keeper) -> None:
    keeper.warm()
    helper = keeper.folder / "asides.py"
    code = "import asides\ndef main(): return asides.WORD\n"
    helper.write_text("WORD = 'first'\n")
    assert keeper.run(code).result == "first"
    helper.write_text("WORD = 'second one'\n")
    second = keeper.run(code)
    assert (second.how, second.result) == ("zygote", "second one")


def test_limits_hold_for_the_one_run(keeper: Keeper) -> None:
    keeper.warm()
    code = "import resource, os\ndef main(): return resource.getrlimit(resource.RLIMIT_CPU)[0], os.nice(0)\n"
    limited = keeper.run(code, limits={"cpu_seconds": 7, "nice": 2})
    assert (limited.how, limited.result) == ("zygote", [7, 2])
    assert keeper.run(code).result == [-1, 0]


def owner(process: Path) -> int | None:
    try:
        return process.stat().st_uid
    except FileNotFoundError:
        return None


def test_a_fork_bomb_is_bounded_by_the_limit_and_leaves_nothing(keeper: Keeper) -> None:
    """As a user who is not root, whom no such limit holds; two users, so that one bomb is not the other's."""
    code = """
import os, signal
def main(user):
    if os.getuid() == 0:
        os.setuid(user)
    children = []
    try:
        while len(children) < 500:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except BlockingIOError:
        return len(children)
"""
    mine = 0 if os.getuid() == 0 else len(list(Path("/proc").iterdir()))
    most = mine + 20
    how = []
    for user in (64_201, 64_202):
        bomb = keeper.run(code, parameters={"user": user}, limits={"max_processes": most})
        assert 0 < bomb.result < most
        how.append(bomb.how)
        if mine == 0:
            assert [one for one in Path("/proc").glob("[0-9]*") if owner(one) == user] == []
        keeper.warm()
    assert how == ["spawn", "zygote"]
    assert keeper.run("def main(): return 1\n").result == 1
