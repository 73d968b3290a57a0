"""Calls the model makes and results they get; blocks are the API's own JSON shapes, kept to the letter."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Block = dict[str, Any]
"""One content block exactly as the Messages API writes it: it goes back as it came."""


class Call(BaseModel):
    """One tool call of the model: `input` is what it wrote, not yet validated."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    input: dict[str, Any]


class TaskState(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class Task(BaseModel):
    """One entry of the session's to-do list."""

    model_config = ConfigDict(frozen=True)

    id: str
    subject: str
    description: str = ""
    active_form: str = ""
    status: TaskState = TaskState.PENDING
    owner: str = ""
    blocks: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}


class Edited(BaseModel):
    """A document a call changed, for the person and for later review: texts whole, path absolute.

    With `proposed` the change is in no file yet: `before` and `after` are the text with what the session proposed, `beneath`
    is the text that is really there.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    before: str
    after: str
    created: bool = False
    saved: bool = False
    merged: bool = False
    proposed: bool = False
    beneath: str = ""


class Result(BaseModel):
    """What came of a call. `content` goes to the model; `summary` is one line for people.

    The other fields say what the call changed about the session, so that the fact which holds the result is whole:
    `seen` maps paths to digests of the text the model now knows; `cwd`, `tasks` and `mode` are None when unchanged.
    """

    model_config = ConfigDict(frozen=True)

    content: str | tuple[Block, ...]
    is_error: bool = False
    summary: str = ""
    seen: dict[str, str] = {}
    edited: tuple[Edited, ...] = ()
    cwd: str | None = None
    tasks: tuple[Task, ...] | None = None
    mode: Literal["default", "acceptEdits", "plan", "bypassPermissions"] | None = None
    side_cost: float | None = None
    side_usage: dict[str, dict[str, int]] = {}


def calls_in(blocks: tuple[Block, ...]) -> tuple[Call, ...]:
    """The tool calls among the blocks of a reply, in order."""
    return tuple(
        Call.model_construct(id=block["id"], name=block["name"], input=block["input"])
        for block in blocks
        if block.get("type") == "tool_use"
    )


def text_in(blocks: tuple[Block, ...]) -> str:
    """The visible text of a reply; text blocks are joined by nothing, as they were streamed."""
    return "".join(block["text"] for block in blocks if block.get("type") == "text")
