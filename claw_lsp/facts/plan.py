"""What a call is about to do: what the person sees, what the policy judges and what the edit applies."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from claw_lsp.facts.call import Call
from claw_lsp.facts.sandbox import NO_WALLS, Walls
from claw_lsp.facts.text import Change


class Reach(StrEnum):
    """How far into the world a plan reaches; decides what a mode says where no rule does."""

    NOTHING = "nothing"
    """Only the session itself: its tasks, its mode."""
    READ = "read"
    EDIT = "edit"
    RUN = "run"
    """Starts a process."""
    FETCH = "fetch"
    """Talks to a host outside this machine."""
    PERSON = "person"
    """The call *is* a question to the person: their answer is the permission and the result."""


@dataclass(frozen=True, slots=True)
class PlannedPath:
    """A path the plan touches: as named (absolute, normalised) and where it really leads, links followed.

    `target` of a path that does not exist follows the links of its existing parents and of the dangling link itself.
    """

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer a person can pick; `key` is what `claw.answer` takes as `choice`."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What a PERSON plan asks. The first choice is the harmless one and its key is "deny". `document` names a file that
    shows the detail to those who want to read it, "" where the detail is short."""

    title: str
    detail: str
    choices: tuple[Choice, ...]
    document: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A call, looked at and not yet done.

    `title` is one line for the person ("Edit src/a.py", "Run pytest -q"). `detail` is all of it: the diff, the whole
    command. `command` is set exactly when a shell line is run, `url` when a host is reached. `changes` are edits by
    document. `writes` are the files that a command writes to by name, as far as its words say so. `walls` is what it would
    run in; `enclosed`: the settings say that this is enough for a yes; `breaks_out`: it asks to run outside of the walls that
    it would have. `payload` is the tool's own, for `perform`, and read by nobody else.
    `below` are files in folders that a command searches, which would be asked about by themselves.
    `asks` is why a person is asked whatever is allowed, `unlike` how this differs from what was allowed; both "" for no reason.
    `source` is whose text the result is, where it is others' and the reach does not tell.
    """

    call: Call
    reach: Reach
    title: str
    detail: str = ""
    paths: tuple[PlannedPath, ...] = ()
    changes: tuple[Change, ...] = ()
    command: str | None = None
    url: str | None = None
    writes: tuple[PlannedPath, ...] = ()
    below: tuple[str, ...] = ()
    inquiries: tuple[Inquiry, ...] = ()
    walls: Walls = NO_WALLS
    enclosed: bool = False
    breaks_out: bool = False
    asks: str = ""
    unlike: str = ""
    source: str = ""
    payload: object = field(default=None, compare=False)
