"""Programs that we start by ourselves are named by absolute paths outside the workspace: what it brings is not run."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def found(name: str, search_path: str, outside: Iterable[str]) -> str | None:
    """Where the PATH has this program: in an absolute folder that, links followed, lies in none of those it must be outside
    of. None where it has none."""
    folders = [os.path.realpath(it) for it in outside]
    for folder in absolute(search_path):
        for file in (name, f"{name}.exe") if os.name == "nt" else (name,):
            path = os.path.join(folder, file)  # noqa: PTH118
            real = os.path.realpath(path)
            with suppress(OSError):
                runs = stat.S_ISREG(Path(real).stat().st_mode) and os.access(real, os.X_OK)
                if runs and not inside(folder, folders) and not inside(real, folders):
                    return path
    return None


def absolute(search_path: str) -> list[str]:
    """The folders of a PATH that mean the same wherever one stands: "." and "" would bring in what lies there."""
    return [it for it in search_path.split(os.pathsep) if Path(it).is_absolute()]


def inside(path: str, folders: Iterable[str]) -> bool:
    """Whether a path leads into one of the folders. The root of the file system holds everything, so it does not count."""
    real = os.path.realpath(path)
    return any(real == it or real.startswith(it + os.sep) for it in folders if it != Path(it).anchor)
