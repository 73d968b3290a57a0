"""The person at the terminal: their answer to a question, or a deny at once where nobody can answer."""

from __future__ import annotations

import asyncio
import os
from typing import Protocol, TextIO

from claw_lsp.core.escape import visible
from claw_lsp.facts.plan import Choice
from claw_lsp.facts.question import ALWAYS, DENY, EACH, NEVER, ONCE, SESSION, Answer, Question

WAIT = "wait"
"""The choice that leaves what is asked about as it is, for later."""
_KEYS = {DENY: "n", ONCE: "y", SESSION: "s", ALWAYS: "a", NEVER: "d", EACH: "e", WAIT: "w"}
_LONGEST = 4000
"""Characters of a question's detail."""


class Person(Protocol):
    """Who answers questions."""

    async def answer(self, question: Question) -> Answer: ...


class Nobody:
    """Nobody is there: what asks is denied at once."""

    async def answer(self, question: Question) -> Answer:
        return Answer(DENY, by="nobody")


class Lines:
    """Lines typed at a descriptor, awaited without a thread, so that Ctrl-C is heard meanwhile."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._typed = b""

    async def next(self) -> str | None:
        """The next line; "" for an empty one and for the end of input, None when the terminal is gone."""
        while b"\n" not in self._typed:
            try:
                piece = await _readable(self._fd)
            except OSError:
                return None
            if not piece:
                return ""
            self._typed += piece
        line, _, self._typed = self._typed.partition(b"\n")
        return line.decode(errors="replace")


class Typist:
    """Somebody at a terminal: questions go to `err`, answers are lines.

    What is no answer is asked again; the end of input too. One question at a time.
    """

    def __init__(self, lines: Lines, err: TextIO) -> None:
        self._lines = lines
        self._err = err
        self._turn = asyncio.Lock()

    async def answer(self, question: Question) -> Answer:
        async with self._turn:
            keys = keys_of(question.choices)
            self._say(_shown(question, keys))
            while True:
                self._say("> ", end="")
                line = await self._lines.next()
                if line is None:
                    return Answer(DENY, by="nobody")
                answer = read_answer(line, question.choices)
                if answer is not None:
                    return answer
                self._say(f"Please answer with one of: {', '.join(keys.values())}. Ctrl-C stops the turn.")

    def _say(self, text: str, end: str = "\n") -> None:
        print(visible(text), file=self._err, end=end, flush=True)


def keys_of(choices: tuple[Choice, ...]) -> dict[str, str]:
    """What to type for each choice, by its key: letters for a permission, else numbers from 1."""
    if all(it.key in _KEYS for it in choices):
        return {it.key: _KEYS[it.key] for it in choices}
    return {it.key: str(n) for n, it in enumerate(choices, 1)}


def read_answer(line: str, choices: tuple[Choice, ...]) -> Answer | None:
    """The answer a typed line gives; None when it is none. Words after a choice go to the model: `n use the other one`."""
    first, _, words = line.strip().partition(" ")
    wanted = first.rstrip(",.:;").casefold()
    for key, typed in keys_of(choices).items():
        if wanted in (typed, _LONG.get(typed, typed)):
            return Answer(key, words.strip())
    return None


_LONG = {"y": "yes", "n": "no", "s": "session", "a": "always", "d": "never", "e": "each", "w": "wait"}


def _shown(question: Question, keys: dict[str, str]) -> str:
    detail = question.detail
    if len(detail) > _LONGEST:
        detail = f"{detail[:_LONGEST]}\n… (cut: {len(question.detail)} characters in all)"
    choices = [f"  {keys[it.key]}  {it.title}" for it in question.choices]
    return "\n".join(["", question.title, *([detail] if detail else []), *choices])


async def _readable(fd: int) -> bytes:
    """What was typed, once there is something. Raises OSError when the terminal is gone."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(fd, lambda: ready.done() or ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(fd)
    return os.read(fd, 65536)
