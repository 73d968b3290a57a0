"""What an editor tells other agents of this machine, and what they may ask: JSON on a socket, structured output for them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Wish = Literal["here", "buffers", "text", "diagnostics", "selection", "symbols", "propose", "proposals"]


class Asked(BaseModel):
    """One wish of another agent. `agent` tells it from others, `name` is what it calls itself; `path` is absolute, "" for
    none. The other fields belong to single wishes."""

    model_config = ConfigDict(frozen=True)

    wish: Wish
    agent: str
    name: str = ""
    path: str = ""
    query: str = ""
    old_text: str = ""
    new_text: str = ""
    why: str = ""


class Here(BaseModel):
    """An editor: its name, its workspace folders, and the files it holds open."""

    model_config = ConfigDict(frozen=True)

    editor: str
    folders: tuple[str, ...]
    open: tuple[str, ...]


class OpenBuffer(BaseModel):
    """A file that is open: `visible` where the person is known to have it before them."""

    model_config = ConfigDict(frozen=True)

    path: str
    language: str
    unsaved: bool
    visible: bool


class OpenBuffers(BaseModel):
    model_config = ConfigDict(frozen=True)

    editor: str
    folders: tuple[str, ...]
    buffers: tuple[OpenBuffer, ...]


class BufferText(BaseModel):
    """The text the person sees: of the open buffer, or with `open` false of the file. `unsaved` says that the file differs."""

    model_config = ConfigDict(frozen=True)

    path: str
    text: str
    open: bool
    unsaved: bool


class Complaint(BaseModel):
    """One message of a language server or linter; lines count from 1."""

    model_config = ConfigDict(frozen=True)

    path: str
    first_line: int
    last_line: int
    severity: str
    message: str
    source: str = ""


class Complaints(BaseModel):
    model_config = ConfigDict(frozen=True)

    diagnostics: tuple[Complaint, ...]


class Selected(BaseModel):
    """Where the person was last: lines count from 1; `text` is what is selected, "" for a cursor alone."""

    model_config = ConfigDict(frozen=True)

    path: str
    first_line: int
    last_line: int
    text: str


class FoundSymbol(BaseModel):
    """Something the code defines; lines count from 1."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: str
    path: str
    line: int
    container: str = ""


class FoundSymbols(BaseModel):
    model_config = ConfigDict(frozen=True)

    symbols: tuple[FoundSymbol, ...]


class Proposal(BaseModel):
    """One change that an agent proposed, and how it stands: `open` waits for the person; `conflict` waits too, and what they
    typed is in its way."""

    model_config = ConfigDict(frozen=True)

    id: str
    path: str
    state: str


class Proposed(BaseModel):
    """What an agent proposed. `told` says in a sentence what came of it, or what it waits for."""

    model_config = ConfigDict(frozen=True)

    told: str
    proposals: tuple[Proposal, ...]
