"""What could not be told yet, on disk: reports and log batches, delivered by the next worker of this name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from headrace.contract.sync import LogBatch, Report


class Journal:
    """Lines of JSON, `{"report": ...}` or `{"logs": ...}`; flushed to the system with each addition."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def add(self, reports: Iterable[Report], logs: Iterable[LogBatch] = ()) -> None:
        """Append these."""
        lines = [f'{{"report":{report.model_dump_json(exclude_unset=True)}}}\n' for report in reports]
        lines += [f'{{"logs":{batch.model_dump_json(exclude_unset=True)}}}\n' for batch in logs]
        if not lines:
            return
        if self._file is None:
            self._file = self._path.open("a", encoding="utf-8", errors="surrogatepass")
        self._file.writelines(lines)
        self._file.flush()

    def read(self) -> tuple[list[Report], list[LogBatch]]:
        """What a predecessor left; lines cut short by a crash are skipped."""
        reports: list[Report] = []
        logs: list[LogBatch] = []
        if not self._path.exists():
            return reports, logs
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                if "report" in entry:
                    reports.append(Report.model_validate(entry["report"]))
                elif "logs" in entry:
                    logs.append(LogBatch.model_validate(entry["logs"]))
            except (ValueError, ValidationError):
                # Cut off in the middle of a write: its run is reported lost instead.
                continue
        return reports, logs

    def clear(self) -> None:
        """All was delivered."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Keep what is there."""
        if self._file is not None:
            self._file.close()
            self._file = None
