"""The wizard on a pseudo-terminal: its questions are waited for, and keys are typed to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.town import HEADRACE, Town

pexpect = pytest.importorskip("pexpect", reason="a pseudo-terminal is needed")

DOWN, ENTER, CTRL_C, CLEAR = "\x1b[B", "\r", "\x03", "\x15"


class Terminal:
    """The wizard, as seen and typed to."""

    def __init__(self, home: Town, folder: Path, *words: str) -> None:
        environment = {
            **home.environment,
            "PROMPT_TOOLKIT_NO_CPR": "1",
            "TERM": "xterm",
            "TZ": "Europe/Zurich",
        }
        self.child = pexpect.spawn(
            str(HEADRACE),
            list(words),
            env=environment,
            cwd=folder,
            encoding="utf-8",
            timeout=30,
            dimensions=(60, 250),
        )

    def answer(self, question: str, *keys: str) -> None:
        """Wait for a question, then type."""
        self.child.expect(question)
        for key in keys:
            self.child.send(key)

    def type(self, question: str, text: str) -> None:
        self.answer(question, CLEAR, *text, ENTER)

    def end(self) -> tuple[int, str]:
        self.child.expect(pexpect.EOF)
        self.child.close()
        return int(self.child.exitstatus), str(self.child.before)
