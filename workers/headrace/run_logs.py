"""Loggers of flow and task runs, and their short format on the terminal when no worker listens."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import MutableMapping

from headrace.context import Run, current_run

ROOT = "headrace"

TYPE_CHECKING = False
if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter


class RunLogger(_Adapter):
    """A logger whose records carry the name of their run as `run_name`."""

    def __init__(self, run: Run) -> None:
        show_on_terminal()
        super().__init__(logging.getLogger(f"{ROOT}.{run.kind}_runs"), {"run_name": run.name})

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - overrides the standard library's
        """Whether such a record is wanted, also after the code's own set-up of logging.

        `logging.config.dictConfig` disables by default all loggers that it does not know of.
        """
        self.logger.disabled = False
        return super().isEnabledFor(level)

    def process(
        self, msg: object, kwargs: MutableMapping[str, object]
    ) -> tuple[object, MutableMapping[str, object]]:
        """Add the run's name to what the caller gave as `extra`."""
        extra = kwargs.get("extra")
        kwargs["extra"] = {**(extra if isinstance(extra, dict) else {}), **(self.extra or {})}
        return msg, kwargs


def get_run_logger() -> RunLogger | logging.Logger:
    """The logger of the flow or task run that this code is part of; outside of one, Headrace's own."""
    run = current_run()
    if run is not None:
        return RunLogger(run)
    show_on_terminal()
    return logging.getLogger(ROOT)


def show_on_terminal() -> None:
    """Give Headrace's logger a terminal handler, unless it has one or somebody else set it up."""
    logger = logging.getLogger(ROOT)
    if not logger.handlers:
        logger.addHandler(_Terminal())
    if logger.level == logging.NOTSET:
        logger.setLevel(_level())


def _level() -> int:
    named = logging.getLevelName(os.environ.get("HEADRACE_LOG_LEVEL", "INFO").upper())
    return named if isinstance(named, int) else logging.INFO


class _Terminal(logging.Handler):
    """Writes to standard error, unless the program set up logging of its own: that shows our records too."""

    def __init__(self) -> None:
        super().__init__()
        self.formatter = logging.Formatter(
            "%(asctime)s.%(msecs)03d | %(levelname)-7s | %(run_name)s | %(message)s",
            datefmt="%H:%M:%S",
            defaults={"run_name": ROOT},
        )

    def emit(self, record: logging.LogRecord) -> None:
        if logging.getLogger().handlers:
            return
        try:
            sys.stderr.write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - a log line never ends a run; logging reports it its own way
            self.handleError(record)
