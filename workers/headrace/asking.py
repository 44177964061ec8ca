"""How a run's code asks for something outside of its process: over the pipes to the worker that started it.

The child holds no key of the control plane. It writes an `ask` among its events and reads the answer, one
JSON object per line, from the pipe that brought its spec; keeper and worker stand between.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from headrace.context import pipes

Message = Mapping[str, Any]


class Sender(Protocol):
    """The way to the worker."""

    def send(self, event: Message, /) -> None:
        """Write one line."""

    @property
    def is_open(self) -> bool:
        """Whether lines still have a chance to arrive."""


class ControlPlaneError(Exception):
    """The control plane refused, or did not answer.

    Attributes:
        message: What is wrong.
        hint: What to do next, if anybody knows.
        code: The error's stable name, such as `not_found`; `unreachable` when nobody answered.
        status: The HTTP status, or 0.
    """

    def __init__(self, message: str, hint: str | None = None, code: str = "error", status: int = 0) -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)
        self.message = message
        self.hint = hint
        self.code = code
        self.status = status


class _Question:
    """What a thread waits for."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.answer: Message | None = None


class Line:
    """The two ways to the worker. Any thread may ask; one reads the answers, from the first question on."""

    def __init__(self, channel: Sender, answers: int, process: int) -> None:
        self._channel = channel
        self._answers = answers
        self._lock = threading.Lock()
        self._open = True
        self._number = 0
        self._asked: dict[int, _Question] = {}
        self._reader: threading.Thread | None = None
        self._process = process

    def ask(self, what: str, **members: Any) -> Any:
        """Ask, and wait for the answer.

        Raises:
            ControlPlaneError: The answer is an error, or no worker is there to answer.
        """
        question = _Question()
        with self._lock:
            self._check()
            self._number += 1
            number = self._number
            self._asked[number] = question
            if self._reader is None:
                self._reader = threading.Thread(target=self._listen, name="headrace-answers", daemon=True)
                self._reader.start()
        self._channel.send({"t": "ask", "id": number, "what": what, **members})
        try:
            if self._channel.is_open:
                question.answered.wait()
        finally:
            self._asked.pop(number, None)
        return _result(question.answer)

    def _check(self) -> None:
        if os.getpid() != self._process:
            raise ControlPlaneError(
                "Only the process of the flow itself can ask the control plane, and this is one that it forked.",
                "Call it in the flow, and hand the result on.",
                "wrong_process",
            )
        if not self._open:
            raise _gone()

    def _listen(self) -> None:
        rest = b""
        while True:
            try:
                data = os.read(self._answers, 1 << 16)
            except OSError:
                data = b""
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n") if b"\n" in data else (rest + data,)
            for line in lines:
                self._take(line)
        with self._lock:
            self._open = False
            left = list(self._asked.values())
        for question in left:
            question.answered.set()

    def _take(self, line: bytes) -> None:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            message = json.loads(line)
            question = self._asked.get(message["id"])
            if question is not None:
                question.answer = message
                question.answered.set()


def _result(answer: Message | None) -> Any:
    if answer is None:
        raise _gone()
    if (error := answer.get("error")) is not None:
        raise ControlPlaneError(
            str(error.get("message")),
            error.get("hint"),
            str(error.get("code")),
            int(error.get("status") or 0),
        )
    return answer.get("value")


def _gone() -> ControlPlaneError:
    return ControlPlaneError("The worker that started this run does not answer any more.", None, "no_worker")


_lines: list[Line] = []


def line() -> Line | None:
    """The line of this process, if a worker started it."""
    if not _lines and pipes:
        _lines.append(Line(*pipes[0]))
    return _lines[0] if _lines else None
