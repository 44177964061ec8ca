"""Log records on their way to the parent: from the root logger and from the run's own."""

from __future__ import annotations

import logging
import sys
import traceback

from headrace.engine.channel import Channel, moment

MESSAGE_BYTES = 200_000
"""A longer message is cut with a visible mark. The same number as in the wire's `logs`."""

_OWN = "headrace"


def listen(channel: Channel, level: str) -> None:
    """Send every record from `level` on. Our own loggers have a handler of theirs beside the root's.

    So a program that sets up logging anew, and takes the root's handlers away, still logs to its run.
    """
    number = logging.getLevelName(level.upper())
    number = number if isinstance(number, int) else logging.INFO
    for name in (None, _OWN):
        logger = logging.getLogger(name)
        logger.setLevel(number)
        logger.addHandler(RecordHandler(channel, own=name is not None))


class RecordHandler(logging.Handler):
    """Turns records into events. A record that cannot be formatted is sent unformatted, with the reason."""

    def __init__(self, channel: Channel, *, own: bool) -> None:
        super().__init__()
        self._channel = channel
        self._own = own

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record, unless it is for the other of our two handlers."""
        if self._own != (record.name == _OWN or record.name.startswith(_OWN + ".")):
            return
        message = cut(clean(_message(record)), MESSAGE_BYTES)
        if not self._channel.is_open:
            _to_stderr(message)
            return
        self._channel.send(
            {
                "t": "log",
                "at": moment(record.created),
                "level": min(max(int(record.levelno), 0), 1000),
                "name": clean(record.name)[:300],
                "message": message,
            }
        )


def _to_stderr(message: str) -> None:
    """What a process that the flow forked has to say: it has no line to the parent."""
    try:
        sys.stderr.write(message + "\n")
    except (OSError, ValueError, AttributeError):
        return  # closed, or there is none: nobody is left to tell


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception as error:  # noqa: BLE001 - a mistake in a log call must not end the run
        text = f"{record.msg!r:.10000} (not formatted with {_shown(record.args)}: {type(error).__name__})"
    if record.exc_info and record.exc_info[0]:
        text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    if record.stack_info:
        text += "\n" + record.stack_info
    return text


def _shown(args: object) -> str:
    try:
        return f"{args!r:.1000}"
    except Exception:  # noqa: BLE001 - as above
        return "arguments that cannot be shown"


def clean(text: str) -> str:
    """The text with what UTF-8 cannot hold (lone surrogates) written as escapes."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` bytes of UTF-8; where that cuts it, a mark says so."""
    if len(text) * 4 <= limit:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text
    mark = f"... [cut: {len(data):,} bytes in all]"
    return data[: limit - len(mark)].decode("utf-8", "ignore") + mark
