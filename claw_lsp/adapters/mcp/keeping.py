"""What MCP servers send and no model is shown, long texts, sound and bytes: kept in files of the person's alone, for some time.

They lie where the outputs of commands do: the model may read them without a question, and a sandbox lets it."""

from __future__ import annotations

import asyncio
import base64
import mimetypes
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from claw_lsp.facts.fault import ToolError

MOST_BYTES = 100_000_000
"""Of one file."""
_EXTENSIONS = {"audio/wav": ".wav", "audio/mp4": ".m4a", "audio/webm": ".webm"}
"""What not every machine knows."""
_DAYS = 30
"""After which a file is deleted, when the next one is written."""


def kept_bytes(claw_home: Path, encoded: str, media_type: str) -> str:
    """The path of a file that holds what came as base64, named after its type. Blocks. Raises OSError, ValueError where it is no
    base64 or too much."""
    if len(encoded) * 3 // 4 > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES // 1_000_000} MB")
    data = base64.b64decode(encoded, validate=True)
    kind = media_type.partition(";")[0].strip().lower()
    extension = _EXTENSIONS.get(kind) or mimetypes.guess_extension(kind) or ".bin"
    return _kept(claw_home, data, extension)


async def kept_text(claw_home: Path, text: str) -> str:
    """The path of a file that holds the text. Raises ToolError where it cannot be written."""
    try:
        return await asyncio.to_thread(_kept, claw_home, text.encode(errors="replace"), ".txt")
    except OSError as error:
        raise ToolError(
            f"The result is too long to be shown, and could not be written below {claw_home}: {error.strerror}."
        ) from error


def _kept(claw_home: Path, data: bytes, extension: str) -> str:
    path = claw_home / "output" / "mcp" / f"{uuid4()}{extension}"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _swept(path.parent)
    path.touch(mode=0o600)
    path.write_bytes(data)
    return str(path)


def _swept(folder: Path) -> None:
    before = time.time() - _DAYS * 86_400
    # Another process of ours may be doing the same.
    with suppress(OSError):
        for it in folder.iterdir():
            if it.stat().st_mtime < before:
                it.unlink()
