"""How real editors differ as clients, as far as edits, echoes and files go; measured in the editors themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from claw_lsp.core.position import Encoding


@dataclass(frozen=True, slots=True)
class Quirks:
    """One editor's habits.

    `stale`: its answer to an edit for another version: applied:false, a JSON-RPC error, applied:true for an edit it
    dropped, or the edit is made all the same. `unchecked`: a version it never compares. `echo`: when it tells of an edit:
    before its answer, after it, or once it was idle for `echo_delay` seconds. `line_end`: the one line end its buffers
    have. `final_newline`: its buffers always end with one, and a line that a
    server adds at the very end is followed by an empty one. `create`: what CreateFile does to a file that exists; `silent`
    is no answer at all. `unknown`: its answer to a request it does not know. `tells_opening`: it sends didOpen for files
    that it opens for an edit. `saves_refactorings`: VS Code's way with edits of two or more files.
    """

    name: str = "memory"
    encoding: Encoding = "utf-16"
    stale: Literal["false", "error", "true", "made"] = "false"
    unchecked: int | None = None
    first_version: int = 1
    echo: Literal["before", "after", "idle"] = "before"
    echo_delay: float = 0.0
    sync: Literal["incremental", "full"] = "incremental"
    line_end: Literal["\n", "\r\n"] | None = None
    final_newline: bool = False
    create: Literal["truncates", "refuses", "silent"] = "truncates"
    unknown: Literal["error", "null", "silent"] = "error"
    knows: frozenset[str] = frozenset()
    tells_opening: bool = True
    saves_refactorings: bool = False


CLIENTS: dict[str, Quirks] = {
    "nvim": Quirks("nvim", "utf-8", stale="true", unchecked=0, first_version=0, final_newline=True),
    "vscode": Quirks(
        "vscode", echo="after", echo_delay=0.002, line_end="\n", create="refuses", saves_refactorings=True
    ),
    "vim-coc": Quirks("vim-coc", create="refuses", final_newline=True),
    "emacs-eglot": Quirks("emacs-eglot", stale="error", first_version=0, echo="idle", echo_delay=0.5, unknown="null"),
    "emacs-lsp-mode": Quirks("emacs-lsp-mode", first_version=0, unknown="null"),
    "vim-vim-lsp": Quirks("vim-vim-lsp", stale="made", create="silent", unknown="silent"),
    "helix": Quirks("helix", "utf-8", first_version=0),
}
"""By the names of the recorded initialize parameters; Helix from its source."""
