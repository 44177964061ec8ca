"""The base job templates that come with each type of work pool."""

from __future__ import annotations

import copy
from collections.abc import Callable

from headrace.contract.secrets import KEY, REFERENCE

Json = dict[str, object]

_SECRET: Json = {
    "type": "object",
    "properties": {KEY: {"type": "string", "pattern": f"^({REFERENCE.pattern})$"}},
    "required": [KEY],
    "additionalProperties": False,
}
_PROCESS: Json = {
    "command": {
        "title": "Command",
        "description": "Starts the run instead of the worker's own child process, by way of no shell.",
        "anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}],
        "default": None,
    },
    "env": {
        "title": "Environment variables",
        "description": "Set for the run on top of what the worker passes on; null removes a variable. "
        f'A secret is named, {{"{KEY}": "env:NAME"}}, and read by the worker.',
        "type": "object",
        "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "null"}, _SECRET]},
        "default": {},
    },
    "working_dir": {
        "title": "Working directory",
        "description": "Where the run starts; null is the folder of the flow's code.",
        "anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}],
        "default": None,
    },
    "timeout": {
        "title": "Timeout (seconds)",
        "description": "The worker stops a run that takes longer. null leaves it to flow and deployment.",
        "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}],
        "default": None,
    },
    "grace_seconds": {
        "title": "Grace (seconds)",
        "description": "Time between the request to stop (SIGTERM) and the end by force (SIGKILL).",
        "type": "number",
        "minimum": 0,
        "maximum": 3600,
        "default": 30,
    },
    "stream_output": {
        "title": "Stream output",
        "description": "Show what the run prints on the worker's console as well.",
        "type": "boolean",
        "default": True,
    },
    "python": {
        "title": "Python",
        "description": "Path of the interpreter that runs the flow; null is the worker's own.",
        "anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}],
        "default": None,
    },
    "memory_mb": {
        "title": "Memory limit (MB)",
        "description": "Address space that the run may use, where the platform can limit it.",
        "anyOf": [{"type": "integer", "minimum": 16}, {"type": "null"}],
        "default": None,
    },
    "cpu_seconds": {
        "title": "CPU limit (seconds)",
        "description": "Processor time that the run may use, where the platform can limit it.",
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}],
        "default": None,
    },
    "max_processes": {
        "title": "Process limit",
        "description": "Processes and threads that the worker's user may have when the run starts one more, "
        "where the platform can limit it. The user root is not limited.",
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}],
        "default": None,
    },
    "preload": {
        "title": "Preload",
        "description": "Modules imported once and shared by runs that start warm, such as pandas.",
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "default": [],
    },
    "nice": {
        "title": "Niceness",
        "description": "0 to 19; the higher, the more the run gives way to other processes.",
        "anyOf": [{"type": "integer", "minimum": 0, "maximum": 19}, {"type": "null"}],
        "default": None,
    },
}
"""Variables of the `process` pool: how a worker starts the child that runs a flow."""


def _template(variables: Json) -> Json:
    return {
        "job_configuration": {name: f"{{{{ {name} }}}}" for name in variables},
        "variables": {
            "type": "object",
            "properties": copy.deepcopy(variables),
            "additionalProperties": False,
        },
    }


DEFAULTS: dict[str, Callable[[], Json]] = {"process": lambda: _template(_PROCESS)}
"""By type of pool; each call makes a new one, so that nobody changes another's."""
