"""What passes by while a turn runs: shown, never stored as a fact."""

from __future__ import annotations

from dataclasses import dataclass

from claw_lsp.facts.usage import Usage


@dataclass(frozen=True, slots=True)
class TextArrived:
    """A piece of the reply's visible text."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingArrived:
    """A piece of the summary of the model's thinking."""

    text: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """The model began to write a call; its input is still arriving."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class UsageReported:
    """What the provider has counted for the reply under way so far; a later report replaces it."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class Retrying:
    """The provider failed and is asked again in `wait` seconds; `why` is one phrase for people."""

    attempt: int
    attempts: int
    wait: float
    why: str


@dataclass(frozen=True, slots=True)
class Stalled:
    """Nothing has arrived for `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Working:
    """One line about what a running call is doing now, such as the last line a command printed."""

    call_id: str
    line: str


Signal = TextArrived | ThinkingArrived | CallBegun | UsageReported | Retrying | Stalled | Working
