"""Files as they were: what a checkpoint holds of one, and the facts that checkpoints and rewinds leave in a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from claw_lsp.facts.fact import Fact
from claw_lsp.facts.reviewed import Left

Mode = Literal["file", "executable", "link"]
What = Literal["code", "chat", "both"]


@dataclass(frozen=True, slots=True)
class Kept:
    """One file at one instant; of a link `data` is where it leads."""

    data: bytes
    mode: Mode = "file"


class Taken(BaseModel):
    """A checkpoint, "" where none could be taken; `left_out` says what it does not cover and why, a sentence each. `unsaved` are
    the files whose text in the editor was kept and not the one on disk."""

    model_config = ConfigDict(frozen=True)

    checkpoint: str = ""
    left_out: tuple[str, ...] = ()
    unsaved: tuple[str, ...] = ()


class Checkpointed(Fact):
    """The files below the roots were kept as they are, `before` a turn's first change or `after` a turn that ran commands."""

    kind: Literal["checkpointed"] = "checkpointed"
    from_outside: ClassVar[bool] = True
    prompt_id: str
    when: Literal["before", "after"]
    taken: Taken


class Restored(BaseModel):
    """What a rewind makes of one file. A text is None where there is no file; of a `binary` file it has a character for each
    byte."""

    model_config = ConfigDict(frozen=True)

    path: str
    before: str | None
    after: str | None
    before_mode: Mode = "file"
    after_mode: Mode = "file"
    before_encoding: str = "utf-8"
    after_encoding: str = "utf-8"
    binary: bool = False


class RewindBegun(Fact):
    """The person takes files back to how they were before a prompt, or, with `redo`, takes back that rewind. On the disk before
    the first file changes: what is cut short by a crash can be taken back or done again."""

    kind: Literal["rewind_begun"] = "rewind_begun"
    from_outside: ClassVar[bool] = True
    is_lasting: ClassVar[bool] = True
    rewind: str
    prompt_id: str
    files: tuple[Restored, ...] = ()
    redo: bool = False


class Contested(BaseModel):
    """A file that a rewind brought back but for the places where the person had written; `text` is what it holds now."""

    model_config = ConfigDict(frozen=True)

    path: str
    text: str
    left: tuple[Left, ...]


class Rewound(Fact):
    """A rewind is done. With `what` chat or both, the model knows nothing of the prompt and of what came behind it; with `redo`
    it knows it again. `prompts` are all that it took back, `left` the files that stayed whole as they were, and `contested` those
    that stayed so in places. One that a crash `cut` short is told of once the log is opened again."""

    kind: Literal["rewound"] = "rewound"
    from_outside: ClassVar[bool] = True
    is_lasting: ClassVar[bool] = True
    rewind: str
    prompt_id: str
    what: What
    left: tuple[str, ...] = ()
    redo: bool = False
    cut: bool = False
    prompts: tuple[str, ...] = ()
    contested: tuple[Contested, ...] = ()

    @property
    def id(self) -> str:
        """What the places that it left are known by."""
        return f"{self.rewind}/redo" if self.redo else self.rewind
