"""Paths as the model writes them, made into the one path that is judged, shown and used."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, urlsplit

from claw_lsp.facts.fault import NoSuchFile, StaleDocument, ToolError
from claw_lsp.facts.plan import Plan, PlannedPath
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.text import Document
from claw_lsp.ports.files import Workspace

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""Two letters at least: one letter and a colon is a drive."""


async def named(raw: str, scene: Scene, workspace: Workspace) -> PlannedPath:
    """Where a path of the model leads: absolute, relative to the working directory, `~`, or a `file:` URI.

    A URI that the editor holds a buffer open under stands for that buffer; any other URI raises ToolError (P21).
    """
    if any(raw == document.path for document in workspace.open_documents()):
        if _SCHEME.match(raw):
            return PlannedPath(raw, raw)
    elif _SCHEME.match(raw) and not raw.lower().startswith("file:"):
        raise ToolError(
            f"{raw} is not a path on this machine, and no open buffer has that name. Give an absolute path, a path "
            "relative to the working directory or a file:// URI; for a file whose name has a colon begin with ./"
        )
    return await workspace.locate(absolute(raw, scene.cwd, scene.home))


def absolute(raw: str, cwd: str, home: str) -> str:
    """The absolute, normalised path; raises ToolError for what can be no path."""
    path = from_uri(raw, windows=os.name == "nt") if raw.lower().startswith("file:") else raw
    if not path.strip():
        raise ToolError("The path is empty: give the path of a file.")
    if "\0" in path or any("\ud800" <= character <= "\udfff" for character in path):
        raise ToolError(f"{path!r} is no path: it has a NUL or a broken character in it.")
    if path == "~" or path.startswith("~/"):
        path = home + path[1:]
    return os.path.normpath(os.path.join(cwd, path))  # noqa: PTH118 (pathlib would keep the dots)


def from_uri(uri: str, *, windows: bool) -> str:
    """The path of a `file:` URI, percent-decoded once, before anything else looks at it (P20)."""
    parts = urlsplit(uri.replace("#", "%23").replace("?", "%3F"))
    if parts.netloc.lower() not in ("", "localhost"):
        raise ToolError(f"{uri} names another machine ({parts.netloc}); only files of this machine can be reached.")
    try:
        path = unquote(parts.path, errors="strict")
    except UnicodeDecodeError as error:
        raise ToolError(f"{uri} does not decode as UTF-8; give the path itself.") from error
    if windows and re.match(r"/[A-Za-z]:", path):
        path = path[1:]
    if not path.startswith("/") and not windows:
        raise ToolError(f"{uri} is not an absolute file URI; it should begin with file:///")
    return path


async def shown(where: PlannedPath, scene: Scene, workspace: Workspace) -> str:
    """The path for a title: relative below the working directory, and with its real place if a link leads there (R34)."""
    relative = below(where.path, scene.cwd)
    name = relative if relative is not None else where.path
    if where.target == where.path:
        return name
    cwd = await workspace.locate(scene.cwd)
    if relative is not None and below(where.target, cwd.target) == relative:
        return name
    return f"{name} → {where.target}"


def below(path: str, folder: str) -> str | None:
    """The path relative to the folder, "." for the folder itself, None when it lies elsewhere."""
    if path == folder:
        return "."
    root = folder.rstrip("/") + "/"
    return path[len(root) :] if path.startswith(root) else None


async def still_there(plan: Plan, workspace: Workspace) -> PlannedPath:
    """The planned path. Raises StaleDocument when it leads elsewhere than when it was judged (P06)."""
    where = plan.paths[0]
    if where.path == where.target and _SCHEME.match(where.path):
        return where
    _same_place(where, (await workspace.locate(where.path)).target)
    return where


async def read_there(where: PlannedPath, workspace: Workspace) -> Document:
    """The document at a planned path, looked for once where the reader says where it found it. Raises StaleDocument as
    `still_there` does, and what `Workspace.read` raises."""
    document = await workspace.read(where.path)
    if not (where.path == where.target and _SCHEME.match(where.path)):
        _same_place(where, document.target or (await workspace.locate(where.path)).target)
    return document


def _same_place(where: PlannedPath, target: str) -> None:
    if target != where.target:
        raise StaleDocument(
            f"{where.path} led to {where.target} when it was approved and leads to {target} now. Nothing was done; "
            "look at the path again."
        )


def missing_beside(error: NoSuchFile, scene: Scene) -> ToolError:
    """The same error with where relative paths begin, which is what is wrong most often."""
    return NoSuchFile(f"{error} The working directory is {scene.cwd}.")
