"""`make demo`: two real flows through the whole system on this machine, every command shown as it is typed.

Standard library only. All that it starts, it stops again, also when something fails; all that it writes is
under `.demo/`, with a fresh data directory each time.
"""

from __future__ import annotations

import json
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / ".demo"
HEADRACE = Path(sys.executable).with_name("headrace.exe" if os.name == "nt" else "headrace")
POOL = "my-process-pool"
PATIENCE = 60
COLOURED = sys.stdout.isatty() and "NO_COLOR" not in os.environ
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")},
    "HEADRACE_HOME": str(DEMO),
    "PYTHONUNBUFFERED": "1",
}


class DemoError(Exception):
    """Something did not work; the message says what."""


def paint(code: str, text: str) -> str:
    """Text in a colour, where there are colours."""
    return f"\033[{code}m{text}\033[0m" if COLOURED else text


def title(text: str) -> None:
    """Say what comes next."""
    print(f"\n{paint('1;36', text)}")


def show(words: list[str]) -> None:
    """Print a command as one would type it."""
    print(paint("1", f"$ headrace {shlex.join(words)}"))


def headrace(*words: str) -> None:
    """Run a command before the eyes of the reader; it must succeed."""
    show(list(words))
    code = subprocess.run([HEADRACE, *words], cwd=ROOT, env=ENVIRONMENT, check=False).returncode
    if code != 0:
        raise DemoError(f"`headrace {shlex.join(words)}` ended with exit code {code}.")


def ask(*words: str) -> list[dict[str, object]]:
    """Run a command for its JSON."""
    done = subprocess.run(
        [HEADRACE, *words, "--output", "json"], cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True
    )
    answer: list[dict[str, object]] = json.loads(done.stdout)
    return answer


class Service:
    """A process that stays up while the demo runs. Its output goes to a file, and is watched for a sign."""

    def __init__(self, name: str, *words: str) -> None:
        self.name = name
        self.log = DEMO / f"{name}.log"
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        show(list(words))
        self.process = subprocess.Popen(
            [HEADRACE, *words],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the demo, which then stops everything in the right order.
            start_new_session=os.name != "nt",
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.log.open("w", encoding="utf-8") as log:
            for line in self.process.stdout:
                log.write(line)
                log.flush()
                self._lines.put(line)

    def wait_for(self, *signs: str) -> str:
        """Wait until it prints a line with one of these; gives the line."""
        deadline = time.monotonic() + PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=min(left, 0.2))
            except queue.Empty:
                if self.process.poll() is not None and self._lines.empty():
                    break
                continue
            if any(sign in line for sign in signs):
                print(paint("2", f"  {line.strip()}"))
                return line
        raise DemoError(f"The {self.name} did not come up:\n{self.log.read_text(encoding='utf-8')}")

    def stop(self) -> None:
        """Ask it to leave; insist after a while."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        print(paint("2", f"  Stopped the {self.name}."))


@contextmanager
def stopping() -> Iterator[list[Service]]:
    """Stop what was started, last first, whatever happens."""
    services: list[Service] = []
    try:
        yield services
    finally:
        title("Stop everything")
        for service in reversed(services):
            service.stop()


def tour(services: list[Service]) -> None:
    """The demo itself."""
    title("1. Start a control plane on this machine, with nothing in it")
    services.append(Service("server", "server", "start", "--port", "0"))
    services[-1].wait_for("http://")

    title("2. Make a work pool: flows wait in it for a worker")
    headrace("work-pool", "create", "--type", "process", POOL)
    headrace("work-pool", "ls")

    title("3. Start a worker: it takes runs from the pool and runs each in a process of its own")
    services.append(Service("worker", "worker", "start", "--pool", POOL))
    services[-1].wait_for(POOL)

    title("4. Deploy two flows of examples/")
    headrace("deploy", "examples/git_report.py:git_report", "-n", "my-deployment", "-p", POOL)
    headrace("deploy", "examples/load_csv.py:load_csv", "-n", "my-deployment", "-p", POOL)

    title("5. Run them with parameters, and follow their logs")
    headrace(
        *("deployment", "run", "git-report/my-deployment", "--watch"),
        *("--param", "top=5", "--param", "output=.demo/git-report"),
    )
    headrace(
        *("deployment", "run", "load-csv/my-deployment", "--watch"),
        *("--param", "database=.demo/air_quality.sqlite", "--param", "rejects=.demo/rejects.csv"),
    )

    title("6. Look at what happened")
    headrace("flow-run", "ls")
    headrace("work-queue", "ls")
    summary()


def summary() -> None:
    """States, durations, and where the results lie."""
    title("Done")
    for run in reversed(ask("flow-run", "ls")):
        state = paint("32", str(run["state_name"]))
        took = float(str(run["total_run_time"]))
        print(f"  {run['flow_name']!s:12} {run['name']!s:20} {state} after {took:.2f} s")
    for name, place in (
        ("Report", "git-report/report.html"),
        ("Its data", "git-report/report.json"),
        ("Database", "air_quality.sqlite"),
        ("Bad rows", "rejects.csv"),
        ("Worker's log", "worker.log"),
    ):
        if not (DEMO / place).is_file():
            raise DemoError(f"{DEMO / place} was not written.")
        print(f"  {name:12} {DEMO / place}")


def main() -> int:
    """Give the tour; exit code 0 if all of it worked."""
    began = time.monotonic()
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with stopping() as services:
            tour(services)
    except DemoError as error:
        print(f"\n{paint('31', f'The demo failed: {error}')}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    print(f"\nThe demo took {time.monotonic() - began:.0f} s. Now try it yourself: see the README.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
