"""Any function of the user's as a step: `package.module.function`, called in a process of its own."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from headrace.contract.base import Json
from headrace.worker.sources.commands import run_command
from headrace.worker.sources.errors import SourceError
from headrace.worker.sources.workshop import Job

SECONDS = 1800.0
NOT_FOUND = 94
"""The child's exit code when there is no such function."""
_CHILD = """
import importlib, json, os, sys
sys.path.insert(0, os.getcwd())
name, given, answer = sys.argv[1:]
module, _, function = name.rpartition(".")
try:
    call = getattr(importlib.import_module(module), function)
except ModuleNotFoundError as error:
    if error.name is None or not (module + ".").startswith(error.name + "."):
        raise
    print(error)
    sys.exit(94)
except AttributeError as error:
    print(error)
    sys.exit(94)
result = call(**json.loads(given))
if hasattr(result, "__await__"):
    import asyncio
    async def wait():
        return await result
    result = asyncio.run(wait())
with open(answer, "w", encoding="utf-8") as file:
    json.dump(result if isinstance(result, dict) else {}, file, default=str)
"""


def call_function(name: str, options: Json, job: Job, known: str) -> dict[str, object]:
    """Call it with the step's options; a `directory` in its result becomes the folder."""
    given = {key: value for key, value in options.items() if key not in ("id", "requires")}
    with tempfile.TemporaryDirectory(prefix="headrace-") as scratch:
        answer = Path(scratch) / "answer.json"
        done = run_command(
            [str(job.python or job.base_python), "-c", _CHILD, name, json.dumps(given), str(answer)],
            env=job.environment(),
            cwd=job.folder,
            seconds=SECONDS,
            redactor=job.redactor,
            leash=job.leash,
            what=f"the function {name}",
        )
        if done.status == NOT_FOUND:
            said = done.output.strip()
            raise SourceError(
                f"this worker does not know the pull step {name!r}, and there is no such function in "
                f"{job.folder} ({said}); it knows {known}"
            )
        if done.status or not answer.exists():
            raise SourceError(
                f"the function {name} failed",
                output=done.output,
                hint="Its own output is in the run's log. It was called with the step's members as keywords, in "
                f"{job.folder}: call it so by hand, mend it, and deploy again.",
            )
        result: dict[str, object] = json.loads(answer.read_text(encoding="utf-8"))
    if done.output.strip():
        job.notes.append(done.output.strip())
    if isinstance(folder := result.get("directory"), str):
        job.folder = job.folder / folder
    return result
