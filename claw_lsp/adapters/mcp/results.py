"""Results of MCP tools that are too long for the model: kept in files that it can read parts of."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

from claw_lsp.facts.fault import ToolError


async def kept_result(claw_home: Path, text: str) -> str:
    """The path of a file of the person's alone that holds the text. Raises ToolError where it cannot be written."""
    path = claw_home / "mcp-results" / f"{uuid4()}.txt"
    try:
        await asyncio.to_thread(_written, path, text)
    except OSError as error:
        raise ToolError(
            f"The result is too long to be shown, and could not be written to {path}: {error.strerror}."
        ) from error
    return str(path)


def _written(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
