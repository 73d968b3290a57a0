"""Where the files of a case lie while it is played, and how what is said about them reads the same on every machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

WORKSPACE, HOME, CLAW_HOME = "ws", "home", "claw"


@dataclass(frozen=True, slots=True)
class Places:
    """A folder of its own for each case: the workspace, a home and CLAW_HOME side by side in it.

    A name in a case is relative to the workspace; `~/x` lies in the home, `../x` beside the workspace.
    """

    root: Path

    @property
    def workspace(self) -> Path:
        return self.root / WORKSPACE

    @property
    def home(self) -> Path:
        return self.root / HOME

    @property
    def claw_home(self) -> Path:
        return self.root / CLAW_HOME

    def make(self) -> None:
        for folder in (self.workspace, self.home, self.claw_home):
            folder.mkdir(parents=True)

    def path(self, name: str) -> str:
        """The absolute path of a name in a case."""
        if name.startswith("~/"):
            return str(self.home / name[2:])
        if name.startswith("../"):
            return str(self.root / name[3:])
        return name if name.startswith("/") else str(self.workspace / name)

    def plain(self, text: str) -> str:
        """The text without what differs from run to run: folders, ids, times."""
        root = str(self.root)
        for before, after in (
            (f"/{root}/", "//case/"),
            (f"{root}/{WORKSPACE}/", ""),
            (f"{root}/{WORKSPACE}", "<workspace>"),
            (f"{root}/{HOME}", "~"),
            (f"{root}/{CLAW_HOME}", "$CLAW_HOME"),
            (f"{root}/", "../"),
            (root, ".."),
        ):
            text = text.replace(before, after)
        text = _OUTPUT.sub("<id>.txt", text)
        text = _CHAT.sub("claw:<key>", text)
        text = _TASK.sub("bash_<id>", _ID.sub("<id>", text))
        return _SECONDS.sub("0.0 s", _SINCE.sub("since 0 s", text))


_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TASK = re.compile(r"bash_[0-9a-f]{6}")
_OUTPUT = re.compile(r"\b[0-9a-f]{24}\.txt\b")
_CHAT = re.compile(r"\bclaw:[0-9a-f]{8}\b")
_SINCE = re.compile(r"\bsince \d+ s\b")
_SECONDS = re.compile(r"\b\d+\.\d s(?![A-Za-z])")
