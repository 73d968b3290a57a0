"""The log's vocabulary: what happened, in the past tense. Fields may be added with a default, never renamed.

`outside` says that a fact came from the person, the editor, the clock or recovery, not from the loop: such a fact may
come anywhere in a log (the replay law in tests/laws leaves it out). `lasting` says that the disk is waited for before
anything follows from it: decision 0016 says which, and why.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from claw_lsp.facts.call import Block, Result
from claw_lsp.facts.checkpoint import Checkpointed, RewindBegun, Rewound
from claw_lsp.facts.compacted import Compacted, CompactionFailed
from claw_lsp.facts.dropped import Dropped
from claw_lsp.facts.fact import Fact
from claw_lsp.facts.hooked import Hooked
from claw_lsp.facts.offered import ToolsOffered, ToolSpec
from claw_lsp.facts.reviewed import FileMoved, HunkKept, HunkUndone, ProposalApplied, ProposalDismissed, Reverted
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.usage import Usage

FORMAT = 1
"""The number in a log's header line; a reader of N reads every format up to N."""

Stopped = Literal["done", "interrupted", "failed", "limit", "refused"]
"""Why a turn ended: `refused` when the last thing the model tried was not permitted or a hook stopped it, `limit` at a
limit of replies, dollars, minutes or failures."""


class SessionStarted(Fact):
    """A session began, or began anew: from here on system and tools are fixed. `context` opens the first user message
    (environment, memory files). `instructions` are the files of instructions in it, each with the digest of its text; logs
    of old do not say."""

    kind: Literal["session_started"] = "session_started"
    from_outside: ClassVar[bool] = True
    session: str
    cwd: str
    roots: tuple[str, ...]
    model: str
    mode: Mode = Mode.DEFAULT
    effort: str | None = None
    system: str
    tools: tuple[ToolSpec, ...]
    context: str = ""
    version: str = ""
    instructions: dict[str, str] | None = None


class UserSpoke(Fact):
    """The person asked for something; it begins a turn. `text` is what people are shown, `blocks` what the model gets.
    `max_cost` is in dollars, for the whole session; at `compact_at` tokens the session is compacted, never if None. `along` says
    what was mentioned and went with it or did not, `seen` what the model knows of files by that, `untrusted` what of it others
    wrote."""

    kind: Literal["user_spoke"] = "user_spoke"
    from_outside: ClassVar[bool] = True
    is_lasting: ClassVar[bool] = True
    run: str
    prompt_id: str
    text: str
    blocks: tuple[Block, ...]
    action: str = "ask"
    path: str | None = None
    max_turns: int | None = None
    max_cost: float | None = None
    compact_at: int | None = None
    seen: dict[str, str] = {}
    along: tuple[str, ...] = ()
    untrusted: tuple[str, ...] = ()


class ModelSpoke(Fact):
    """One reply, whole or cut; `cost` in dollars, None when the model's price is not known."""

    kind: Literal["model_spoke"] = "model_spoke"
    blocks: tuple[Block, ...]
    stop_reason: str | None = None
    usage: Usage = Usage()
    model: str = ""
    message_id: str = ""
    cost: float | None = None
    cut: bool = False
    fault: str = ""
    recovered: bool = False

    @property
    def outside(self) -> bool:
        return self.recovered


class CallJudged(Fact):
    """It was decided whether a call may run. `fault` means that it could not even be planned; `by` review that it may
    because it only proposes, by hook that one decided, by classifier that a small model did in auto mode; what that took is
    `side_usage`, by model, and `side_cost`. `hosts` are those that the person allowed it to send to, `offered` the rules that
    the answer could have been."""

    kind: Literal["call_judged"] = "call_judged"
    call_id: str
    decision: Literal["allow", "deny", "fault"]
    by: Literal["rule", "mode", "person", "nobody", "reach", "plan", "recovery", "review", "classifier", "hook"]
    rule: str | None = None
    reason: str = ""
    title: str = ""
    reach: str = ""
    path: str | None = None
    hosts: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    side_usage: dict[str, dict[str, int]] = {}
    side_cost: float | None = None
    recovered: bool = False

    @property
    def outside(self) -> bool:
        return self.recovered

    @property
    def lasting(self) -> bool:
        """What is about to act can be told from what never began, even after a power cut."""
        return self.decision == "allow" and self.reach in ("edit", "run")


class CallFinished(Fact):
    """A call was performed, refused or closed; what the model is told of it, and what it changed. `untrusted` says where
    text in it came from that others wrote, `private` that it may hold what is in the person's files."""

    kind: Literal["call_finished"] = "call_finished"
    call_id: str
    result: Result
    seconds: float = 0.0
    untrusted: tuple[str, ...] = ()
    private: bool = False
    recovered: bool = False

    @property
    def outside(self) -> bool:
        return self.recovered


class RuleAdded(Fact):
    """The person allowed more than one call: for this session, or always (then it also stands in a settings file)."""

    kind: Literal["rule_added"] = "rule_added"
    from_outside: ClassVar[bool] = True
    is_lasting: ClassVar[bool] = True
    rule: Rule
    stored_in: str | None = None


class RuleRemoved(Fact):
    """The person, or a hook that answered for them, took a rule back: the session goes by it no more, and where it stood in a
    settings file it is gone."""

    kind: Literal["rule_removed"] = "rule_removed"
    from_outside: ClassVar[bool] = True
    rule: Rule


class ModeChanged(Fact):
    kind: Literal["mode_changed"] = "mode_changed"
    from_outside: ClassVar[bool] = True
    is_lasting: ClassVar[bool] = True
    mode: Mode


class ModelChanged(Fact):
    """The person picked a model or an effort, None for what stays; it holds when the turn in flight has ended. Earlier
    thinking is not sent to another model (a new prefix begins). With `why` nobody picked it: it stands in, at once, for a
    model that the provider could not give, until the turn ends."""

    kind: Literal["model_changed"] = "model_changed"
    from_outside: ClassVar[bool] = True
    model: str | None = None
    effort: str | None = None
    why: str = ""


class Noted(Fact):
    """Something the model must know and the person did not say: sent with the next user message. `hunks` are those it
    tells of, with the digest of what the person made of each."""

    kind: Literal["noted"] = "noted"
    from_outside: ClassVar[bool] = True
    text: str
    hunks: dict[str, str] = {}


class Instructed(Fact):
    """Instructions came in: those that hold for a file when it was touched, sent with the results; and, sent with what the
    person said, those that changed since they were told. `path` is the file they stand in, `text` what the model gets,
    `digest` names the file's text; `gone` says that it holds no more."""

    kind: Literal["instructed"] = "instructed"
    from_outside: ClassVar[bool] = True
    path: str
    text: str
    digest: str = ""
    gone: bool = False


class Steered(Fact):
    """The person said something while the turn ran: sent with the next request of the same turn. `blocks` are what it
    mentions; `seen`, `along` and `untrusted` as in `user_spoke`."""

    kind: Literal["steered"] = "steered"
    from_outside: ClassVar[bool] = True
    is_lasting: ClassVar[bool] = True
    text: str
    blocks: tuple[Block, ...] = ()
    seen: dict[str, str] = {}
    along: tuple[str, ...] = ()
    untrusted: tuple[str, ...] = ()


class Forked(Fact):
    """The session goes on from a copy of another's beginning, which stands before this; `prompt_id` is the first prompt of
    the other that was left out, None where all its turns were copied."""

    kind: Literal["forked"] = "forked"
    from_outside: ClassVar[bool] = True
    origin: str
    prompt_id: str | None = None


class Reopened(Fact):
    """A session was read from its log, which others could have written to: what was allowed in it by word holds no more.
    `dropped` are its allow rules, `mode` what holds from here on, `before` what held."""

    kind: Literal["reopened"] = "reopened"
    from_outside: ClassVar[bool] = True
    mode: Mode
    before: Mode
    dropped: tuple[str, ...] = ()


class Titled(Fact):
    """The session has a name: the person's, or one that `model` thought of, which took tokens and dollars."""

    kind: Literal["titled"] = "titled"
    from_outside: ClassVar[bool] = True
    title: str
    model: str = ""
    usage: Usage = Usage()
    cost: float | None = 0.0


class LimitRaised(Fact):
    """The person lets a session go on beyond a limit it reached: so many replies for the turn, so many dollars in all."""

    kind: Literal["limit_raised"] = "limit_raised"
    from_outside: ClassVar[bool] = True
    max_turns: int | None = None
    max_cost: float | None = None


class TurnEnded(Fact):
    """A turn is over. `text` is the last visible text; `why` one sentence for people when it did not end as done."""

    kind: Literal["turn_ended"] = "turn_ended"
    is_lasting: ClassVar[bool] = True
    run: str
    stopped: Stopped
    text: str = ""
    why: str = ""
    usage: dict[str, Usage] = {}
    cost: float | None = None
    by_loop: bool = True

    @property
    def outside(self) -> bool:
        return not self.by_loop


class Unknown(Fact):
    """A fact of a later version of claw-lsp: kept as it stands, and nothing follows from it here."""

    kind: str
    from_outside: ClassVar[bool] = True

    @field_validator("kind")
    @classmethod
    def _of_no_kind_known(cls, kind: str) -> str:
        if kind in KINDS:
            raise ValueError(f"a fact of the kind {kind} has other fields")
        return kind


Known = Annotated[
    SessionStarted
    | UserSpoke
    | ModelSpoke
    | CallJudged
    | CallFinished
    | RuleAdded
    | RuleRemoved
    | ModeChanged
    | ModelChanged
    | Noted
    | Instructed
    | Hooked
    | HunkKept
    | HunkUndone
    | ProposalApplied
    | ProposalDismissed
    | Reverted
    | FileMoved
    | Steered
    | Forked
    | Reopened
    | Titled
    | LimitRaised
    | Checkpointed
    | RewindBegun
    | Rewound
    | ToolsOffered
    | Compacted
    | Dropped
    | CompactionFailed
    | TurnEnded,
    Field(discriminator="kind"),
]

KINDS = frozenset(str(it.model_fields["kind"].default) for it in get_args(get_args(Known)[0]))
"""Every kind of fact that this version knows."""

Event = Annotated[Known | Unknown, Field(union_mode="left_to_right")]

KNOWN: TypeAdapter[Any] = TypeAdapter(Known)
"""Of the kinds that this version knows: what the schema tells."""

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads and writes any event."""


class Entry(BaseModel):
    """One line of a log: the event with its number (from 1) and its time (Unix seconds), both stamped by the log."""

    model_config = ConfigDict(frozen=True, extra="allow")

    n: int
    at: float
    event: Event
