"""The files of a root that a checkpoint covers: those that its .gitignore files do not leave out, within limits."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from claw_lsp.adapters.checkpoints.commands import Commands, lines

MOST_FILES = 20_000
MOST_BYTES = 1_000_000_000
LARGEST = 5_000_000
DEEPEST = 8
"""How many repositories inside each other are gone into."""

LEFT_OUT = ("node_modules/", ".venv/", "__pycache__/", ".mypy_cache/", ".pytest_cache/", ".ruff_cache/", ".tox/")
"""What other programs make again, even where no .gitignore says so."""

Listed = dict[str, os.stat_result]


def listed(run: Commands, root: str, nothing: Path, apart: Collection[str]) -> tuple[Listed, tuple[str, ...]]:
    """The regular files and links below a root, none behind a link, and what is left out, a sentence each. What is in `apart` is
    left out, but for one that the root lies in. `nothing` is the path of an index that is not there. Raises CheckpointError."""
    files: Listed = {}
    large: list[str] = []
    size = 0
    apart = [it for it in apart if not f"{root}/".startswith(f"{it}/")]
    for path in _named(run, root, nothing, DEEPEST):
        if any(f"{path}/".startswith(f"{it}/") for it in apart):
            continue
        with suppress(OSError):
            about = os.lstat(path)
            if stat.S_ISREG(about.st_mode) and about.st_size > LARGEST:
                large.append(os.path.relpath(path, root))
            elif stat.S_ISLNK(about.st_mode) or (stat.S_ISREG(about.st_mode) and os.access(path, os.R_OK)):
                files[path] = about
                size += about.st_size
        if len(files) > MOST_FILES or size > MOST_BYTES:
            return {}, (
                f"{root} has more than {MOST_FILES:,} files, or {MOST_BYTES // 1_000_000:,} MB, that .gitignore does not leave "
                "out, so there only the agent's own edits can be taken back.",
            )
    said = ", ".join(large[:3]) + (f" and {len(large) - 3} more" if len(large) > 3 else "")
    return files, (f"Larger than {LARGEST // 1_000_000} MB, so not kept: {said}.",) if large else ()


def _named(run: Commands, folder: str, nothing: Path, deepest: int) -> Iterator[str]:
    """Every path that is not ignored; into a repository inside this one, a submodule for instance, we go ourselves."""
    own = Path(folder) / ".git" / "info" / "exclude"
    args = [*(f"--exclude={it}" for it in LEFT_OUT), *([f"--exclude-from={own}"] if own.is_file() else [])]
    names = run.run("ls-files", "-z", "--others", "--exclude-standard", *args, tree=folder, index=nothing)
    for name in lines(names):
        path = f"{folder.rstrip('/')}/{name}"
        if not name.endswith("/"):
            yield path
        elif deepest:
            yield from _named(run, path.rstrip("/"), nothing, deepest - 1)
