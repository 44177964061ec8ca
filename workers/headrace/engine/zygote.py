"""The zygote: a process that has imported the engine and forks a child for each run that it is asked for.

`python -P -m headrace.engine --zygote FD '["pandas", ...]'`, started by a keeper, on Linux only. Over the
socket FD it says one line of JSON when it is ready (`{"ready": [files that it depends on]}`), or why it never
will be (`{"failed": "..."}`). Then it takes requests: four bytes of length, and JSON, with the descriptors of
standard output, standard error, spec and events. Each is answered by the child itself, with the mark that the
request had: `{"mark": "...", "pid": ...}`; the next request is taken meanwhile.

The child is forked twice, so that its parent is the keeper (a subreaper), which kills and collects it as it
does a child of its own. It has nothing of the runs before it, and of the zygote only what was imported there.
"""

from __future__ import annotations

import _socket
import gc
import importlib
import json
import os
import sys
from typing import Any, NoReturn

from headrace.engine.become import Fresh, become, open_descriptors

MOST_DESCRIPTORS = 8
_DESCRIPTORS = 4

Request = dict[str, Any]


def serve(arguments: list[str]) -> list[str]:
    """Fork for each request, until the keeper closes the socket. Returns in each child: its arguments."""
    control = _socket.socket(fileno=int(arguments[0]))
    names: list[str] = json.loads(arguments[1])
    keeper = os.getppid()
    _say_nothing()
    fresh = Fresh.now()
    _preload(control, names, fresh.descriptors)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # or each child would say it again
    gc.disable()
    gc.collect()
    gc.freeze()  # a collection in a child would write to, and so copy, the pages of all that is here
    _say(control, {"ready": depends_on(names)})
    while True:
        request, descriptors = _hear(control)
        if (between := _fork(control, request)) == 0:
            return _child(control, request, descriptors, fresh, keeper)
        for descriptor in descriptors:
            os.close(descriptor)
        if between is not None:
            os.waitpid(between, 0)


def _say_nothing() -> None:
    """What modules print while they are imported here belongs to no run."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)


def _child(
    control: _socket.socket, request: Request, descriptors: list[int], fresh: Fresh, keeper: int
) -> list[str]:
    """In the first fork: fork again and leave. In the second: become what a fresh process would be."""
    between = os.getpid()
    if _fork(control, request) != 0:
        os._exit(0)
    try:
        become(request, descriptors[:2], fresh, between, keeper)
    except BaseException as error:  # noqa: BLE001 - the keeper starts this run in the other way
        _give_up(control, error, mark=request["mark"])
    _say(control, {"mark": request["mark"], "pid": os.getpid()})
    control.close()
    gc.enable()
    given = ["--spec", str(descriptors[2]), "--events", str(descriptors[3])]
    sys.argv[1:] = given
    sys.orig_argv[sys.orig_argv.index("--zygote") :] = given
    return given


def _preload(control: _socket.socket, names: list[str], before: set[int]) -> None:
    """Import what is wished for; what a fork would not carry over well is a reason to give up."""
    try:
        for name in names:
            importlib.import_module(name)
    except BaseException as error:  # noqa: BLE001 - modules may raise anything; the keeper tells of it
        _give_up(control, error)
    if threads := _threads():
        _give_up(control, RuntimeError(f"{threads} threads were started, which a fork would not have"))
    if kept := _connections(before):
        _give_up(control, RuntimeError(f"connections are held open, which all runs would share: {kept}"))


def _threads() -> int:
    """How many threads there are beside this one after a fork.

    Libraries that are made for it (OpenBLAS) end their threads at a fork and start new ones when needed.
    """
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return len(os.listdir("/proc/self/task")) - 1  # noqa: PTH208 - pathlib is not worth its import


def _connections(before: set[int]) -> str:
    """Sockets and pipes that an import opened."""
    links = [os.readlink(f"/proc/self/fd/{number}") for number in open_descriptors() - before]  # noqa: PTH115
    return ", ".join(sorted(link for link in links if link.startswith(("socket:", "pipe:", "anon_inode:"))))


def depends_on(names: list[str]) -> list[str]:
    """What makes this process out of date when it changes.

    The interpreter, installed packages by their folders, the engine, and of what the preloads have imported
    all that is somebody's own code: those that they name, and those that lie neither in a folder of installed
    packages nor in the standard library.
    """
    folders = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    apart = tuple(path + os.sep for path in (os.path.dirname(os.__file__), *folders))  # noqa: PTH120
    files = [sys.executable, *folders]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and (name.startswith("headrace.") or name in names or not file.startswith(apart)):
            files.append(file)
    return files


def _fork(control: _socket.socket, request: Request) -> int | None:
    """`os.fork`; where the system refuses (too many processes) the keeper hears of it."""
    try:
        return os.fork()
    except OSError as error:
        _say(control, {"mark": request["mark"], "failed": f"{type(error).__name__}: {error}"})
        return None


def _give_up(control: _socket.socket, error: BaseException, **of: str) -> NoReturn:
    _say(control, {**of, "failed": f"{type(error).__name__}: {error}"[:2000]})
    os._exit(1)


def _say(control: _socket.socket, message: dict[str, Any]) -> None:
    try:
        control.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        os._exit(1)  # the keeper is gone, and with it whoever could end a run


def _hear(control: _socket.socket) -> tuple[Request, list[int]]:
    """The next request. Leaves when the keeper has closed its end."""
    size = 4 * MOST_DESCRIPTORS
    head, extra, _, _ = control.recvmsg(4, _socket.CMSG_SPACE(size))
    descriptors = [
        int.from_bytes(data[at : at + 4], sys.byteorder)
        for level, kind, data in extra
        if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS)
        for at in range(0, len(data), 4)
    ]
    head += _exactly(control, 4 - len(head))
    request = json.loads(_exactly(control, int.from_bytes(head, "big")).decode("utf-8", "surrogatepass"))
    if len(descriptors) != _DESCRIPTORS:
        os._exit(1)
    return request, descriptors


def _exactly(control: _socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = control.recv(size - len(data))
        if not part:
            os._exit(0)
        data += part
    return bytes(data)
