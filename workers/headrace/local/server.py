"""`headrace server start`: the embedded control plane from its lock to its last answer."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.local.control_plane import ControlPlane, control_plane_root
from headrace.local.environment import KEY_ID, prepare_environment
from headrace.local.errors import StartError
from headrace.local.hosts import is_loopback
from headrace.local.lock import DirectoryLock
from headrace.local.profiles import write_profile
from headrace.local.texts import banner
from headrace.local.ticker import Ticker
from headrace.local.webserver import Server
from headrace.tracing import tracer

if TYPE_CHECKING:
    from headrace.local.aws.services import Services
    from headrace.local.companion import Companion


def _home() -> Path:
    return Path(os.environ.get("HEADRACE_HOME") or Path.home() / ".headrace").expanduser()


@dataclass(frozen=True)
class ServerOptions:
    """What the command line says. Port 0 takes any free port.

    Keys are asked for where `require_keys` says so, and always beyond loopback. `advertise` is the address
    by which others reach this server, where it is not the one that they call (a proxy, TLS).
    """

    host: str = "127.0.0.1"
    port: int = 4200
    data_dir: Path = field(default_factory=lambda: _home() / "server")
    fsync: bool = False
    with_worker: bool = False
    write_profile: bool = True
    home: Path = field(default_factory=_home)
    root: Path | None = None
    """Where the control plane's code lies; found by itself unless given."""
    require_keys: bool = False
    advertise: str | None = None

    @property
    def keys_required(self) -> bool:
        """Whether keys are asked for."""
        return self.require_keys or not is_loopback(self.host)


def serve(options: ServerOptions) -> int:
    """Run the embedded control plane until SIGTERM, Ctrl-C, or the end of its terminal; the exit code for the shell."""
    from headrace.local.records import DataError

    stop = threading.Event()
    _stop_on_signals(stop)
    server = EmbeddedServer(options)
    try:
        server.start()
        sys.stdout.write(server.banner(shown=sys.stdout.isatty()))
        sys.stdout.flush()
        while not stop.wait(1.0):  # with a timeout, since Windows delivers Ctrl-C only in between
            if news := server.news():
                sys.stderr.write(news)
                sys.stderr.flush()
    except StartError as error:
        sys.stderr.write(f"Error: {error}\n{error.hint}\n")
        return 1
    except DataError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    except ModuleNotFoundError as error:
        sys.stderr.write(f"Error: the server needs the package {error.name}.\n{_INSTALL}\n")
        return 1
    finally:
        server.stop()
    sys.stdout.write("Stopped.\n")
    return 0


class EmbeddedServer:
    """Everything that runs in the server's process. Starts once and stops once."""

    def __init__(self, options: ServerOptions) -> None:
        self._options = options
        self._closing = ExitStack()
        self._profile_active = self._profile_written = False
        self._first_key: str | None = None
        self._companion: Companion | None = None
        self._secret = ""
        self._seconds = 0.0
        self.url = ""

    def start(self) -> None:
        """Come up to the point where requests are answered. Raises StartError or DataError."""
        try:
            self._start()
        except OSError as error:
            raise StartError(
                f"The server cannot start: {error}.",
                f"Look whether {self._options.data_dir} has room and may be written, or choose another "
                "directory with --data-dir.",
            ) from error

    def _start(self) -> None:
        began = time.perf_counter()
        options = self._options
        lock = DirectoryLock(options.data_dir)
        lock.take()
        self._closing.callback(lock.release)
        web = self._bind()
        user_environment = dict(os.environ)
        self._secret = prepare_environment(
            os.environ,
            f"{options.advertise or self.url}/aws",
            require_keys=options.keys_required,
            follow_host=options.advertise is None,
        )

        tracer("headrace-api")  # whoever makes spans in this process finds it set up
        control_plane = ControlPlane(options.root or control_plane_root())
        services = self._open_services(control_plane)
        control_plane.after_start()
        if options.keys_required:
            self._first_key = control_plane.first_admin_key()
        self._listen(web, control_plane, services)
        ticker = Ticker(control_plane.tick)
        ticker.start()
        self._closing.callback(ticker.stop)
        if options.write_profile:
            self._write_profile()
        lock.write_status(self.url, datetime.now(UTC).isoformat(timespec="seconds"))
        if options.with_worker:
            self._start_companion(user_environment, control_plane)
        gc.freeze()  # what is loaded stays: later collections need not walk over all items again
        self._seconds = time.perf_counter() - began

    def stop(self) -> None:
        """Take everything down, last thing first."""
        self._closing.close()

    def news(self) -> str | None:
        """What has happened beside the server that people should be told; each thing once."""
        return self._companion.news() if self._companion else None

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return f"{self.url}/api"

    def banner(self, *, shown: bool) -> str:
        """What the terminal says when the server is up; the first admin key, if it is `shown` to people.

        Where nobody looks, output ends in a log: there the key is only in the profile.
        """
        from headrace.local.companion import POOL

        return banner(
            seconds=self._seconds,
            url=self.url,
            data_dir=self._options.data_dir,
            profile=self._options.home / "profiles.json" if self._profile_written else None,
            profile_active=self._profile_active,
            keys_required=self._options.keys_required,
            exposed=not is_loopback(self._options.host),
            first_key=self._first_key,
            shown=shown,
            served=POOL if self._options.with_worker else None,
        )

    def _bind(self) -> Server:
        options = self._options
        try:
            web = Server(options.host, options.port)
        except OSError as error:
            raise StartError(
                f"{options.host}:{options.port} cannot be listened on: {error.strerror or error}.",
                "Choose another port with --port, or --port 0 for any free one.",
            ) from error
        self._closing.callback(web.stop)
        name = "127.0.0.1" if options.host in ("0.0.0.0", "::", "") else options.host  # noqa: S104
        self.url = f"http://{f'[{name}]' if ':' in name else name}:{web.port}"
        return web

    def _open_services(self, control_plane: ControlPlane) -> Services:
        from headrace.local.embedded_aws import open_services

        services, close = open_services(
            self._options.data_dir, self._options.fsync, control_plane.create_table
        )
        self._closing.callback(close)
        return services

    def _listen(self, web: Server, control_plane: ControlPlane, services: Services) -> None:
        from headrace.local.aws.door import Door
        from headrace.local.gateway import Gateway
        from headrace.local.guard import Guard

        app = control_plane.app()
        required, advertised = self._options.keys_required, self._options.advertise
        guard = Guard(self._options.host, web.port, keys_required=required, advertised=advertised)
        door = Door(KEY_ID, self._secret) if required else None
        gateway = Gateway(app, services, guard, advertised or self.url, door)
        web.start(gateway.handle)
        self._closing.callback(web.stop)
        self._closing.callback(services.sqs.release)

    def _start_companion(self, environment: dict[str, str], control_plane: ControlPlane) -> None:
        from headrace.local.companion import POOL, Companion

        key = control_plane.companion_key(POOL) if self._options.keys_required else None
        home = {"HEADRACE_HOME": str(self._options.home)}
        self._companion = Companion(self.api_url, {**environment, **home}, key)
        self._closing.callback(self._companion.stop)
        self._companion.start()

    def _write_profile(self) -> None:
        try:
            self._profile_active = write_profile(self._options.home, self.api_url, self._first_key)
            self._profile_written = True
        except (OSError, ValueError) as error:
            sys.stderr.write(f"The profile was not written: {error}\n")


def _stop_on_signals(stop: threading.Event) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    handler: Callable[..., None] = lambda *_: stop.set()  # noqa: E731
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):  # nohup
            signal.signal(number, handler)


_INSTALL = 'Install all that it needs: pip install "headrace[local]"'
