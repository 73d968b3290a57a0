"""What language servers and linters say of the code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message of a language server or linter; lines count from 1."""

    first_line: int
    last_line: int
    severity: str
    message: str
    source: str = ""
