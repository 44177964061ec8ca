"""What a run does and says is the same, however it was started."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.integration.worker.conftest import alive, until
from tests.integration.zygote.conftest import Ended, Keeper

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "result": ("def main(x: int, y: int = 2): return [x, y]\n", {"x": "4"}),
    "bad parameters": ("def main(x: int): return x\n", {"x": "four"}),
    "exception": ("def main():\n    raise ValueError('no luck')\n", {}),
    "exit handler": ("import atexit\natexit.register(print, 'bye')\ndef main(): print('hi')\n", {}),
    "sys.exit": ("import sys\ndef main(): sys.exit(3)\n", {}),
    "os._exit": ("import os\ndef main():\n    print('last words', flush=True)\n    os._exit(7)\n", {}),
    "killed": ("import os, signal\ndef main(): os.kill(os.getpid(), signal.SIGKILL)\n", {}),
    "no such function": ("def man(): pass\n", {}),
    "syntax": ("def main(:\n", {}),
    "output": (
        "import os, sys\ndef main():\n    print('one'); sys.stderr.write('two\\n'); os.write(1, b'three\\n')\n"
        "    os.system('echo four'); print('five', end='')\n",
        {},
    ),
    "script part": ("if __name__ == '__main__':\n    print('script')\ndef main(): return __name__[:3]\n", {}),
    "async": ("import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    return 'a'\n", {}),
    "spawned processes": (
        "import multiprocessing as mp\ndef double(x): return 2 * x\n"
        "def main():\n    with mp.get_context('spawn').Pool(1) as pool: return pool.map(double, [1, 2])\n",
        {},
    ),
    "forked processes": (
        "import multiprocessing as mp\ndef double(x): return 2 * x\n"
        "def main():\n    with mp.get_context('fork').Pool(2) as pool: return pool.map(double, [1, 2])\n",
        {},
    ),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def main():\n    with ThreadPoolExecutor(2) as pool: return list(pool.map(str, [1, 2]))\n",
        {},
    ),
    "ctypes": (
        "import ctypes\nclass P(ctypes.Structure):\n    _fields_ = [('x', ctypes.c_int)]\n"
        "def main(): return [P(3).x, ctypes.CDLL(None).abs(-4), ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 5)()]\n",
        {},
    ),
}


def _gist(ended: Ended) -> dict[str, Any]:
    receipt = {name: value for name, value in ended.states.get("receipt", {}).items() if name != "at"}
    return {
        "receipt": receipt,
        "status": ended.status,
        "started": "started" in ended.states,
        "records": sorted((record["name"], record["level"], record["message"]) for record in ended.records),
    }


@pytest.mark.parametrize("name", CASES)
def test_warm_equals_cold(name: str, keeper: Keeper) -> None:
    code, parameters = CASES[name]
    keeper.warm()
    warm = keeper.run(code, parameters)
    cold = keeper.run(code, parameters, start_method="spawn")
    assert (warm.how, cold.how) == ("zygote", "spawn")
    assert _gist(warm) == _gist(cold)


def test_what_cannot_be_started_is_told_in_the_same_way(keeper: Keeper) -> None:
    keeper.warm()
    for method in ("auto", "spawn"):
        gone = keeper.run("def main(): pass\n", cwd=str(keeper.folder / "gone"), start_method=method)
        assert gone.states["exited"]["why"] == "spawn"
        assert "gone" in gone.states["exited"]["message"]
    assert keeper.run("def main(): pass\n").how == "zygote"


def test_a_warm_run_is_killed_with_all_that_it_started(keeper: Keeper) -> None:
    """Also a process that left its session without exec, whose environment the system shows as at its start."""
    keeper.warm()
    code = """
    import os, time, pathlib
    def main(folder: str):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                pathlib.Path(folder, "stray.new").write_text(str(os.getpid()))
                os.rename(folder + "/stray.new", folder + "/stray")
                while True: time.sleep(1)
            os._exit(0)
        os.wait()
        while True: time.sleep(1)
    """
    run = keeper.order(code, {"folder": str(keeper.folder)})
    stray = int(until(lambda: (path := keeper.folder / "stray").exists() and path.read_text()))
    keeper.say(op="kill", run=run, attempt=1, why="cancel", grace=5)
    ended = keeper.end_of(run)[0]
    assert ended.how == "zygote"
    assert ended.states["exited"]["why"] == "cancel"
    assert not alive(stray)


def test_a_warm_run_dies_with_its_keeper(keeper: Keeper) -> None:
    keeper.warm()
    path = keeper.folder / "pid"
    code = "import os, time, pathlib\ndef main(path: str):\n    pathlib.Path(path).write_text(str(os.getpid()))\n"
    keeper.order(code + "    while True: time.sleep(1)\n", {"path": str(path)})
    pid = int(until(lambda: path.exists() and path.read_text()))
    (zygote,) = keeper.zygotes()
    os.kill(keeper.process.pid, signal.SIGKILL)
    until(lambda: not alive(pid) and not alive(zygote), "both are gone")
