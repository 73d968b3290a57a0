"""Events turned into short lines for people and tests, and numbers into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from claw_lsp.core.hooks.telling import in_a_line
from claw_lsp.core.reopening import in_words
from claw_lsp.core.rewinding import rewound_in_words
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Call, Result, calls_in, text_in
from claw_lsp.facts.checkpoint import Checkpointed, RewindBegun, Rewound
from claw_lsp.facts.dropped import Dropped
from claw_lsp.facts.event import (
    CallFinished,
    CallJudged,
    Compacted,
    CompactionFailed,
    Entry,
    Event,
    Forked,
    Instructed,
    LimitRaised,
    ModeChanged,
    ModelChanged,
    ModelSpoke,
    Noted,
    Reopened,
    RuleAdded,
    RuleRemoved,
    SessionStarted,
    Steered,
    Titled,
    TurnEnded,
    Unknown,
    UserSpoke,
)
from claw_lsp.facts.hooked import Hooked
from claw_lsp.facts.offered import ToolsOffered
from claw_lsp.facts.reviewed import FileMoved, HunkKept, HunkUndone, ProposalApplied, ProposalDismissed, Reverted
from claw_lsp.facts.usage import Usage

LONGEST = 160
"""Characters of a line's text before it is cut."""


def lines(entries: Sequence[Entry]) -> Iterable[str]:
    """The transcript: what was said, called, judged and finished, one line each, in the order it happened."""
    cwd = ""
    begun = False
    refused: set[str] = set()
    for entry in entries:
        event = entry.event
        if isinstance(event, SessionStarted):
            cwd = event.cwd
            if begun:
                yield _line("note", "the session began anew")
            begun = True
        elif isinstance(event, CallJudged) and event.decision == "deny":
            refused.add(event.call_id)
            yield _call_line("deny", event.call_id, _by(event))
        elif isinstance(event, CallFinished) and event.call_id in refused:
            continue
        else:
            yield from _said(event, cwd)


def usage_line(usage: Usage, cost: float | None, seconds: float) -> str:
    """Tokens, dollars and time of a turn, in one line."""
    cached = f" ({tokens(usage.cache_read_tokens)} cached)" if usage.cache_read_tokens else ""
    said = f"{tokens(usage.prompt_tokens)} in{cached}, {tokens(usage.output_tokens)} out"
    return f"{said} · {dollars(cost)} · {duration(seconds)}"


def tokens(n: int) -> str:
    """A count with two digits or more that matter: 950, 1.2k, 12k, 1.5M."""
    for size, sign in ((1_000_000, "M"), (1_000, "k")):
        if n >= size:
            return f"{n / size:.1f}{sign}" if n < 10 * size else f"{n // size}{sign}"
    return str(n)


def dollars(x: float | None) -> str:
    """A price; None is said to be unknown, never shown as zero."""
    if x is None:
        return "cost unknown"
    return f"${x:.2f}" if x >= 1 or x == 0 else f"${x:.4f}"


def duration(seconds: float) -> str:
    """A time span: 0.4 s, 12 s, 3 min 5 s, 2 h 0 min."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def call_title(call: Call, cwd: str = "") -> str:
    """A call in one line, before it was planned: its name and what its input is mostly about."""
    for field in _TELLING:
        value = call.input.get(field)
        if isinstance(value, str) and value:
            return f"{call.name} {one_line(_inside(value, cwd))}"
    return call.name


def one_line(text: str, longest: int = LONGEST) -> str:
    """The text without line ends and repeated blanks, cut where it is too long."""
    words = " ".join(text.split())
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def result_line(result: Result) -> str:
    """One line about a result: its summary, else the beginning of what the model was told."""
    if result.summary:
        return one_line(result.summary)
    if isinstance(result.content, str):
        return one_line(result.content)
    return one_line(text_in(result.content)) or f"{len(result.content)} blocks"


def offered_line(event: ToolsOffered) -> str:
    """What came up and what went away, in a line for people."""
    came = Counter(it.name.split("__")[1] for it in event.tools if it.deferred)
    gone = Counter(it.split("__")[1] for it in event.gone)
    said = [f"{one_line(server, 60)}: {counted(n, 'tool')}" for server, n in came.items()]
    return "MCP: " + ", ".join([*said, *(f"{one_line(it, 60)} is away" for it in gone)])


def _said(event: Event, cwd: str) -> Iterator[str]:
    match event:
        case UserSpoke() | Steered():
            yield _line("user", event.text)
        case ModelSpoke():
            if text := text_in(event.blocks).strip():
                yield _line("model", text)
            for call in calls_in(event.blocks):
                yield _call_line("call", call.id, call_title(call, cwd))
            if event.cut:
                yield _line("note", f"the reply was cut{_because(event.fault)}")
        case CallJudged(decision="allow"):
            yield _call_line("allow", event.call_id, _by(event))
        case CallFinished(result=result):
            yield _call_line("fault" if result.is_error else "done", event.call_id, result_line(result))
        case RuleAdded() | RuleRemoved():
            rule = f"rule {event.rule.behavior} {event.rule.text}"
            yield _line("note", rule if isinstance(event, RuleAdded) else f"no {rule} any more")
        case ModeChanged():
            yield _line("mode", event.mode.value)
        case ModelChanged():
            picked = (f"model {event.model}" if event.model else "", f"effort {event.effort}" if event.effort else "")
            yield _line("note", ", ".join(filter(None, picked)) + (f" stands in: {event.why}" if event.why else ""))
        case HunkKept() | HunkUndone() | ProposalApplied() | ProposalDismissed() | Reverted():
            yield _line(_REVIEWED[event.kind], _inside(event.path, cwd) + _how(event))
        case FileMoved():
            yield _line("moved", f"{_inside(event.path, cwd)} to {_inside(event.to, cwd)}")
        case Reopened() | Rewound():
            if said := rewound_in_words(event) if isinstance(event, Rewound) else in_words(event):
                yield _line("note", said)
        case Forked(origin=origin):
            yield _line("fork", f"of {origin}")
        case Hooked():
            yield _line("hook", in_a_line(event))
        case TurnEnded():
            yield _line("end", event.stopped + (_because(event.why) if event.stopped != "done" else ""))
        case Unknown():
            yield _line("note", f"something of a later version: {event.kind}")
        case SessionStarted() | CallJudged() | Checkpointed() | RewindBegun():
            return
        case _:
            yield _line("note", _note(event, cwd))


def _note(
    event: Instructed | ToolsOffered | Dropped | LimitRaised | Noted | Compacted | CompactionFailed | Titled, cwd: str
) -> str:
    match event:
        case Instructed():
            return f"instructions {_inside(event.path, cwd)}"
        case ToolsOffered():
            return offered_line(event)
        case Dropped():
            return f"dropped {' '.join(event.items)}"
        case LimitRaised(max_turns=replies, max_cost=cost):
            return f"up to {replies} replies" if replies else f"up to {dollars(cost)}"
        case Noted():
            return event.text
        case Compacted() | CompactionFailed():
            return compacted_line(event)
        case Titled():
            return f"title {event.title}"


def _how(event: HunkKept | HunkUndone | ProposalApplied | ProposalDismissed | Reverted) -> str:
    if isinstance(event, Reverted):
        return f", {counted(len(event.left), 'place')} left" if event.left else ""
    return " by hand" if not isinstance(event, HunkKept) and event.by_hand else ""


def compacted_line(event: Compacted | CompactionFailed) -> str:
    """What people are told of a compaction: one line."""
    if isinstance(event, CompactionFailed):
        return f"not compacted: {event.why}"
    what = "compacted" if event.head else "old results left out"
    focus = f", with a view to: {one_line(event.focus)}" if event.focus else ""
    spent = f", {dollars(event.cost)}" if event.model else ""
    return f"{what}: about {tokens(event.before)} tokens became {tokens(event.after)}{spent}{focus}"


_REVIEWED = {
    "reverted": "revert",
    "hunk_kept": "kept",
    "hunk_undone": "undone",
    "proposal_applied": "applied",
    "proposal_dismissed": "dropped",
}
"""What the person did with a change of the agent's, in a word."""


def _inside(value: str, cwd: str) -> str:
    return value.removeprefix(f"{cwd}/") if cwd else value


def _line(kind: str, text: str) -> str:
    return f"{kind:<8}{one_line(text)}".rstrip()


def _call_line(kind: str, call_id: str, text: str) -> str:
    return f"  {kind:<6}{call_id} {text}".rstrip()


def _by(event: CallJudged) -> str:
    by = "human" if event.by == "person" else event.by
    by = f"by {by} {event.rule}" if event.by == "rule" and event.rule else f"by {by}"
    return by + _because(event.reason if event.decision == "deny" else "")


def _because(why: str) -> str:
    return f": {one_line(why)}" if why else ""


_TELLING = (
    "file_path",
    "notebook_path",
    "command",
    "pattern",
    "url",
    "query",
    "path",
    "subject",
    "task_id",
    "taskId",
    "bash_id",
    "prompt",
    "description",
)
