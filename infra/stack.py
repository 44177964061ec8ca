"""The template of a whole stage: what outlives the code, the functions, and the API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import headrace
from chalicelib.storage import schema
from infra.chalice_template import chalice_template, plain
from infra.templates import Template, merge, read

ENVIRONMENT = {
    "HEADRACE_STAGE": {"Ref": "Stage"},
    "HEADRACE_TABLE": {"Ref": "Table"},
    "HEADRACE_REGION": {"Ref": "AWS::Region"},
    "HEADRACE_BUCKET": {"Ref": "Bucket"},
    "HEADRACE_WORKER_ROLE_ARN": {"Fn::GetAtt": ["WorkerRole", "Arn"]},
    "HEADRACE_METRICS": {"Fn::If": ["WithMetrics", "1", "0"]},
    "HEADRACE_LATE_RUNS": {"Fn::If": ["WithAlarms", "1", "0"]},
    "HEADRACE_LOG_LEVEL": {"Ref": "LogLevel"},
}
FUNCTIONS = ("APIHandler", "Tick")


@dataclass(frozen=True, slots=True)
class Shape:
    """What is told of a stage beside its name. `reserve`: the account's quota allows the tick its own place."""

    stage: str
    code_key: str
    reserve: bool = True


def base() -> Template:
    """What outlives the code: the template that `python -m infra provision` uses alone."""
    return read("template.yaml")


def whole(root: Path, chalice_app: Any, shape: Shape) -> Template:
    """Everything: what `headrace cloud up` makes.

    Args:
        root: Where `app.py` and `.chalice` are.
        chalice_app: The application, for its routes and timed handlers.
        shape: What differs from stage to stage.
    """
    functions = plain(chalice_template(root, shape.stage, chalice_app), shape.stage, shape.code_key)
    made = merge(merge(base(), functions), read("functions.yaml"))
    for name in FUNCTIONS:
        properties = made["Resources"][name]["Properties"]
        properties["Environment"]["Variables"] |= ENVIRONMENT
    made["Outputs"]["Version"] = {"Value": headrace.__version__}
    made["Outputs"]["Schema"] = {"Value": str(schema.NUMBER)}
    if not shape.reserve:
        made["Resources"]["Tick"]["Properties"].pop("ReservedConcurrentExecutions")
    return made


def written(template: Template) -> str:
    """The template as it is sent: as short as it can be, always the same."""
    return json.dumps(template, separators=(",", ":"), sort_keys=True)
