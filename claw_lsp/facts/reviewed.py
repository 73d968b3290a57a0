"""What the person made of the changes that waited for their review."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from claw_lsp.facts.fact import Fact


class ReviewFact(Fact):
    """About the text of one file, and nothing that the loop goes by."""

    from_outside: ClassVar[bool] = True


class HunkKept(ReviewFact):
    """The person accepted a change of the agent's; it is theirs now."""

    kind: Literal["hunk_kept"] = "hunk_kept"
    hunk: str
    path: str


class HunkUndone(ReviewFact):
    """A change of the agent's was taken back: by a command of the person's, or by hand in the text."""

    kind: Literal["hunk_undone"] = "hunk_undone"
    hunk: str
    path: str
    by_hand: bool = False


class ProposalApplied(ReviewFact):
    """The person made a change of the agent's that was only proposed: by a command, or by hand in the text."""

    kind: Literal["proposal_applied"] = "proposal_applied"
    hunk: str
    path: str
    by_hand: bool = False


class ProposalDismissed(ReviewFact):
    """The person did not want what was proposed, or took out what it was about."""

    kind: Literal["proposal_dismissed"] = "proposal_dismissed"
    hunk: str
    path: str
    by_hand: bool = False


class Left(BaseModel):
    """A place that a revert left as it is, since it was changed later: offsets in the text then; `wanted` is what had stood
    there before the prompt."""

    model_config = ConfigDict(frozen=True)

    start: int
    end: int
    wanted: str


class Reverted(ReviewFact):
    """What a prompt did to a file was taken back, and what came later was kept, one fact a file. `revert` names the whole
    of it: it can be taken back in its turn, like a prompt. `edits` are start, end and new text, each in the text that the
    one before it left; empty where the person typed meanwhile."""

    kind: Literal["reverted"] = "reverted"
    is_lasting: ClassVar[bool] = True
    revert: str
    prompt_id: str
    path: str
    before: str
    after: str
    edits: tuple[tuple[int, int, str], ...] = ()
    left: tuple[Left, ...] = ()


class FileMoved(ReviewFact):
    """The person gave another name to a file that waits for review: its hunks and proposals go with it."""

    kind: Literal["file_moved"] = "file_moved"
    path: str
    to: str
