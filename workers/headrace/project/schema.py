"""The JSON Schema of `headrace.yaml`, for editors: `python -m headrace.project.schema` writes it anew."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from headrace.project.model import Project

PAGE = Path("docs/reference/headrace.schema.json")


def schema_text() -> str:
    """The schema as the file has it."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Project.model_json_schema(mode="validation"),
        "title": "headrace.yaml",
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the schema into the repository that is the working directory."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(schema_text(), encoding="utf-8", newline="\n")
    sys.stdout.write(f"Wrote {PAGE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
