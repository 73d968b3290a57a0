"""What files tell the model of how to work here, and what it wrote down itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from claw_lsp.facts.settings import Settings

Origin = Literal["managed", "user", "project", "local", "memory"]
"""Whose a file is: of whoever runs the machine, the person's, the project's, the person's for this project; or notes that
the agent proposed and the person accepted, which rank below all others."""


@dataclass(frozen=True, slots=True)
class Instructions:
    """One file of instructions: CLAW.md and its like. `digest` names the text it has, comments and all; `by` is the file that
    imports it, "" for none; `paths` are the patterns of the files it is about, none for all."""

    path: str
    origin: Origin
    text: str
    digest: str = ""
    by: str = ""
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundInstructions:
    """The files in the order in which they are told, the most general first, and what had to be left out, in sentences:
    `waiting` of them are about imports that the person is asked about."""

    files: tuple[Instructions, ...] = ()
    notices: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Around:
    """Where instructions are looked for: the session's home folder, the workspace folders, the settings in force there; and
    the texts of open buffers by path, which win over the disk."""

    folder: str
    roots: tuple[str, ...]
    settings: Settings
    unsaved: Mapping[str, str] = field(default_factory=dict[str, str])
