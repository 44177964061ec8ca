"""What a worker's process imports: each module more is memory on every machine that waits for work."""

from __future__ import annotations

import json
import subprocess
import sys

MODELS = {
    "base",
    "bundles",
    "children",
    "errors",
    "media",
    "pull_steps",
    "run_states",
    "sizes",
    "states",
    "sync",
    "workers",
}
NOT_NEEDED = {"boto3", "click", "difflib", "moto", "pygments", "rich", "typer", "yaml"}


def test_a_worker_loads_the_models_of_its_own_calls_and_no_tools_of_the_command_line() -> None:
    code = (
        "import headrace.worker.main, headrace.worker.loop\n"
        "from headrace.client.api import Api\n"
        "from headrace.client.transport import Transport\n"
        "api = Api(Transport('http://127.0.0.1:1/api')); api.workers; api.bundles\n"
        "import json, sys; print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = set(json.loads(done.stdout))
    assert {
        name.removeprefix("headrace.contract.") for name in found if "headrace.contract." in name
    } == MODELS
    assert found & NOT_NEEDED == set()
