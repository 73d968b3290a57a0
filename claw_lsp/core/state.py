"""The state of a session: what its events add up to. Thrown away freely, since `fold` makes it again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from claw_lsp.core.policy.egress import hosts_named
from claw_lsp.facts.call import Block, Call, Result, Task, calls_in
from claw_lsp.facts.event import (
    CallFinished,
    CallJudged,
    Event,
    FileMoved,
    Forked,
    HunkKept,
    HunkUndone,
    Instructed,
    LimitRaised,
    ModeChanged,
    ModelChanged,
    ModelSpoke,
    Noted,
    ProposalApplied,
    ProposalDismissed,
    Reopened,
    RuleAdded,
    RuleRemoved,
    SessionStarted,
    Steered,
    Titled,
    ToolSpec,
    TurnEnded,
    Unknown,
    UserSpoke,
)
from claw_lsp.facts.plan import Reach
from claw_lsp.facts.request import Message
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.scene import Exposure
from claw_lsp.facts.usage import Usage

MOST_SOURCES = 20
"""Where untrusted text came from is remembered of so many places, the last ones."""

GO_ON_AFTER_CUT = "[The connection broke here. Go on exactly where your reply stopped; do not repeat what is there.]"
GO_ON_AFTER_LIMIT = (
    "[Your reply reached its length limit here. Go on exactly where it stopped; do not repeat what is there.]"
)
ENDED_HERE = "[The turn ended here before your reply was whole.]"
LOST_CALL = (
    "[A call you had begun to write did not arrive whole and was not run. Write it again if it is still wanted.]"
)


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call of the last reply, with what was decided and what came of it so far."""

    call: Call
    judged: CallJudged | None = None
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn in flight. `n_cuts` and `n_extended` count replies in a row that broke off or ran into the limit."""

    run: str
    prompt_id: str
    max_turns: int | None
    max_cost: float | None = None
    n_replies: int = 0
    n_cuts: int = 0
    n_extended: int = 0
    refused: bool = False
    failures: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often each call that never succeeded in this turn failed, by what `sameness` says of it."""
    steered: bool = False
    """Whether something that waits wants an answer of its own."""
    usage: Mapping[str, Usage] = field(default_factory=dict[str, Usage])
    cost: float | None = 0.0
    last: ModelSpoke | None = None
    """The reply that nothing has followed yet, but for its own calls; None when the model is to speak next."""


@dataclass(frozen=True, slots=True)
class State:
    """What is true after some events.

    `messages` are closed and never change; `pending` are the blocks of the user message being gathered.
    Invariant: messages + pending of an earlier state are a prefix of a later one's, until a new prefix begins.
    """

    session: str = ""
    cwd: str = ""
    roots: tuple[str, ...] = ()
    model: str = ""
    effort: str | None = None
    mode: Mode = Mode.DEFAULT
    system: str = ""
    tools: tuple[ToolSpec, ...] = ()
    messages: tuple[Message, ...] = ()
    pending: tuple[Block, ...] = ()
    waiting: tuple[Block, ...] = ()
    """What was said while the model may be being asked: behind its reply."""
    unread: tuple[str, ...] = ()
    """What was said while a turn ran, and the model has not answered yet."""
    choices: tuple[ModelChanged, ...] = ()
    """What was picked during the turn, for when it has ended."""
    calls: tuple[OpenCall, ...] = ()
    turn: Turn | None = None
    seen: Mapping[str, str] = field(default_factory=dict[str, str])
    tasks: tuple[Task, ...] = ()
    rules: tuple[Rule, ...] = ()
    instructed: Mapping[str, str] = field(default_factory=dict[str, str])
    """The files of instructions that were told, each with the digest of its text, "" where the log does not say."""
    follows: bool = False
    """Whether it is known which files of instructions the session began with, so that what changes can be told."""
    exposure: Exposure = field(default_factory=Exposure)
    usage: Mapping[str, Usage] = field(default_factory=dict[str, Usage])
    cost: float | None = 0.0
    max_cost: float = 0.0
    """What the person let the session cost, beyond what the settings say; in dollars."""
    habits: Mapping[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    """What the person last answered where this rule would have been an answer, and how often in a row."""
    refusals: tuple[int, int] = (0, 0)
    """What the small model refused in auto mode: in a row, and in all since the mode was chosen."""
    title: str = ""
    prefix: int = 0
    """How many times a new prefix began."""

    @property
    def side_by_side(self) -> frozenset[str]:
        """The names of the tools that only look."""
        return frozenset(tool.name for tool in self.tools if tool.side_by_side)


def fold(events: Iterable[Event], state: State | None = None) -> State:
    """What these events add up to, on top of `state`."""
    state = state or State()
    for event in events:
        state = after(state, event)
    return state


def after(state: State, event: Event) -> State:
    """The state once this happened too. Total: every event is accepted in every state, odd ones change little."""
    match event:
        case SessionStarted():
            return _started(state, event)
        case UserSpoke():
            turn = Turn(run=event.run, prompt_id=event.prompt_id, max_turns=event.max_turns, max_cost=event.max_cost)
            seen = {**state.seen, **event.seen} if event.seen else state.seen
            pending = (*state.pending, *event.blocks)
            state = replace(state, pending=pending, turn=turn, calls=(), unread=(), seen=seen)
            return _told(state, event)
        case ModelSpoke():
            return _spoke(state, event)
        case CallJudged():
            return _judged(state, event)
        case CallFinished():
            return _finished(state, event)
        case RuleAdded():
            habits = {rule: it for rule, it in state.habits.items() if rule != event.rule.text}
            return replace(state, rules=(*state.rules, event.rule), habits=habits)
        case RuleRemoved():
            gone = (event.rule.text, event.rule.behavior)
            return replace(state, rules=tuple(it for it in state.rules if (it.text, it.behavior) != gone))
        case ModeChanged():
            return replace(state, mode=event.mode, refusals=(0, 0))
        case ModelChanged():
            return _other_model(state, event) if state.turn is None else replace(state, choices=(*state.choices, event))
        case Noted():
            return _said_aside(state, text_block(event.text))
        case Instructed():
            return _instructed(state, event)
        case HunkKept() | HunkUndone() | ProposalApplied() | ProposalDismissed() | FileMoved() | Forked() | Unknown():
            return state
        case Steered():
            return _steered(state, event)
        case LimitRaised():
            turn = state.turn and replace(state.turn, max_turns=event.max_turns or state.turn.max_turns)
            return replace(state, turn=turn, max_cost=event.max_cost or state.max_cost)
        case Reopened():
            rules = tuple(it for it in state.rules if it.behavior != "allow")
            exposure = replace(state.exposure, known=frozenset())
            return replace(state, mode=event.mode, rules=rules, exposure=exposure)
        case Titled():
            return _titled(state, event)
        case TurnEnded():
            return _ended(state)


def _titled(state: State, event: Titled) -> State:
    if not event.model:
        return replace(state, title=event.title)
    usage = {**state.usage, event.model: state.usage.get(event.model, Usage()) + event.usage}
    return replace(state, title=event.title, usage=usage, cost=_sum(state.cost, event.cost))


def text_block(text: str) -> Block:
    return {"type": "text", "text": text}


def _started(state: State, event: SessionStarted) -> State:
    return State(
        session=event.session,
        cwd=event.cwd,
        roots=event.roots,
        model=event.model,
        effort=event.effort,
        mode=event.mode,
        system=event.system,
        tools=event.tools,
        pending=(text_block(event.context),) if event.context else (),
        prefix=state.prefix + 1,
        usage=state.usage,
        cost=state.cost,
        max_cost=state.max_cost,
        title=state.title,
        instructed=event.instructions or {},
        follows=event.instructions is not None,
    )


def _judged(state: State, event: CallJudged) -> State:
    calls = tuple(replace(it, judged=event) if it.call.id == event.call_id else it for it in state.calls)
    refused = event.decision == "deny" or (event.decision != "allow" and _refused(state))
    turn = state.turn and (replace(state.turn, refused=refused) if refused != _refused(state) else state.turn)
    hosts = event.hosts if event.by == "person" else ()
    state = replace(state, calls=calls, turn=turn, exposure=_knowing(state.exposure, hosts))
    state = _paid(state, event.side_usage, event.side_cost)
    if event.by == "classifier":
        in_a_row, in_all = state.refusals
        n = 1 if event.decision == "deny" else 0
        return replace(state, refusals=((in_a_row + 1) * n, in_all + n))
    if not event.offered:
        return state
    before = {it: state.habits.get(it, ("", 0)) for it in event.offered}
    now = {it: (event.decision, n + 1 if same == event.decision else 1) for it, (same, n) in before.items()}
    return replace(state, habits={**state.habits, **now})


def _spoke(state: State, event: ModelSpoke) -> State:
    usage = {**state.usage, event.model: state.usage.get(event.model, Usage()) + event.usage}
    sent = sendable(event.blocks)
    calls = tuple(OpenCall(call) for call in calls_in(sent))
    turn = state.turn and _replied(state.turn, event, sent=bool(sent), calls=bool(calls))
    if not sent:
        return replace(state, usage=usage, cost=_sum(state.cost, event.cost), turn=turn)
    user = (_message("user", state.pending),) if state.pending else ()
    return replace(
        state,
        usage=usage,
        cost=_sum(state.cost, event.cost),
        # Not unpacked: that goes through all of them twice, and there may be thousands.
        messages=state.messages + (*user, _message("assistant", sent)),  # noqa: RUF005
        pending=(*_notes(event, calls), *state.waiting),
        calls=calls,
        waiting=(),
        unread=tuple(it for it in state.unread if text_block(it) in state.waiting),
        turn=turn,
    )


def _replied(turn: Turn, event: ModelSpoke, *, sent: bool, calls: bool) -> Turn:
    """The turn after a reply; `sent` says that the model is told of it, `calls` that there are some to be done."""
    return replace(
        turn,
        n_replies=turn.n_replies + 1,
        n_cuts=turn.n_cuts + 1 if event.cut else 0,
        n_extended=turn.n_extended + 1 if event.stop_reason == "max_tokens" else 0,
        usage={**turn.usage, event.model: turn.usage.get(event.model, Usage()) + event.usage},
        cost=_sum(turn.cost, event.cost),
        last=None if turn.steered and sent and not calls else event,
        steered=turn.steered and not sent,
    )


def _said_aside(state: State, *blocks: Block) -> State:
    """Behind what the model was sent; while it may be being asked that is behind its reply, since a request that was
    sent stays as it was."""
    if state.turn is not None and not state.calls and _to_speak(state.turn.last):
        return replace(state, waiting=(*state.waiting, *blocks))
    return replace(state, pending=(*state.pending, *blocks))


def _instructed(state: State, event: Instructed) -> State:
    """With what the person said where the model was not asked yet, else as a note."""
    others = {path: it for path, it in state.instructed.items() if path != event.path}
    state = replace(state, instructed=others if event.gone else {**others, event.path: event.digest})
    if state.turn is not None and not state.calls and state.turn.n_replies == 0 and not state.waiting:
        return replace(state, pending=(*state.pending, text_block(event.text)))
    return _said_aside(state, text_block(event.text))


def _to_speak(last: ModelSpoke | None) -> bool:
    """Whether the model speaks next: nothing was said yet, or its last reply is to be gone on with."""
    return last is None or last.cut or last.stop_reason in ("max_tokens", "pause_turn")


def _steered(state: State, event: Steered) -> State:
    """As a note, but the turn goes on until the model has answered it."""
    state = _told(_said_aside(state, text_block(event.text), *event.blocks), event)
    state = replace(state, seen={**state.seen, **event.seen}) if event.seen else state
    if state.turn is None:
        return state
    turn = replace(state.turn, last=None, steered=bool(state.waiting))
    return replace(state, turn=turn, unread=(*state.unread, event.text))


def _told(state: State, event: UserSpoke | Steered) -> State:
    """With the hosts that the person named. Comments in a file name none, nor does its name: anybody may have written them."""
    exposure = state.exposure
    private = exposure.private or bool(event.seen) or (isinstance(event, UserSpoke) and event.path is not None)
    words = event.text
    if isinstance(event, UserSpoke) and event.action != "ask":
        words = "" if event.action.startswith("comment_") else event.text.partition("\n\n")[2]
    known = exposure.known | hosts_named(words)
    return replace(state, exposure=replace(exposure, private=private, known=known))


def _knowing(exposure: Exposure, hosts: tuple[str, ...]) -> Exposure:
    return replace(exposure, known=exposure.known.union(hosts)) if hosts else exposure


def _notes(event: ModelSpoke, calls: tuple[OpenCall, ...]) -> tuple[Block, ...]:
    """What the model is told after a reply that broke off; kept behind the results of its calls."""
    if event.stop_reason == "pause_turn" or not (event.cut or event.stop_reason == "max_tokens"):
        return ()
    if event.recovered:
        return (text_block(ENDED_HERE),)
    if calls:
        return (text_block(LOST_CALL),)
    return (text_block(GO_ON_AFTER_CUT if event.cut else GO_ON_AFTER_LIMIT),)


def _finished(state: State, event: CallFinished) -> State:
    result = event.result
    calls = tuple(replace(it, result=result) if it.call.id == event.call_id else it for it in state.calls)
    is_over = state.turn is not None and all(it.result is not None for it in calls)
    answers = tuple(_result_block(it.call.id, it.result) for it in calls if it.result) if is_over else ()
    words = tuple(text_block(it) for it in map(_words_with_yes, calls) if it) if is_over else ()
    return replace(
        state,
        calls=() if is_over else calls,
        pending=(*answers, *words, *state.pending),
        turn=state.turn and _did(state.turn, event, calls, is_over=is_over),
        seen={**state.seen, **result.seen} if result.seen else state.seen,
        exposure=_exposed(state.exposure, event),
        cwd=result.cwd or state.cwd,
        tasks=state.tasks if result.tasks is None else result.tasks,
        mode=Mode(result.mode) if result.mode else state.mode,
        usage=_with_side(state.usage, result.side_usage),
        cost=_sum(state.cost, result.side_cost) if result.side_usage else state.cost,
    )


def _did(turn: Turn, event: CallFinished, calls: tuple[OpenCall, ...], *, is_over: bool) -> Turn:
    """The turn after a result; `is_over` says that it was the last one of its reply."""
    result = event.result
    return replace(
        turn,
        failures=_failures(turn, calls, event),
        refused=turn.refused and result.is_error,
        usage=_with_side(turn.usage, result.side_usage),
        cost=_sum(turn.cost, result.side_cost) if result.side_usage else turn.cost,
        last=None if is_over else turn.last,
    )


def sameness(call: Call) -> str:
    """The same text for calls that ask for the same."""
    return f"{call.name} {json.dumps(call.input, sort_keys=True, default=str)}"


def _failures(turn: Turn, calls: tuple[OpenCall, ...], event: CallFinished) -> Mapping[str, int]:
    if not event.result.is_error and not turn.failures:
        return turn.failures
    same = next((sameness(it.call) for it in calls if it.call.id == event.call_id), "")
    others = {key: n for key, n in turn.failures.items() if key != same}
    return {**others, same: turn.failures.get(same, 0) + 1} if same and event.result.is_error else others


def _words_with_yes(it: OpenCall) -> str:
    """What the person said with their yes: in their own message, where no result can be taken for it."""
    judged = it.judged
    if judged is None or judged.decision != "allow" or judged.by != "person" or judged.reach == Reach.PERSON:
        return ""
    said = judged.reason.strip()
    # Older logs hold the words in the result itself.
    in_result = it.result is not None and str(it.result.content).startswith(f"The person allowed it and said: {said}")
    return (
        f"The person allowed the call {it.call.id} of {it.call.name} and said: {said}" if said and not in_result else ""
    )


def _exposed(before: Exposure, event: CallFinished) -> Exposure:
    if not event.untrusted and event.private <= before.private:
        return before
    untrusted = tuple(dict.fromkeys((*before.untrusted, *event.untrusted)))
    return replace(before, untrusted=untrusted[-MOST_SOURCES:], private=before.private or event.private)


def _paid(state: State, took: Mapping[str, Mapping[str, int]], dollars: float | None) -> State:
    """With what side requests of a call took, by model."""
    if not took:
        return state
    turn = state.turn
    if turn is not None:
        turn = replace(turn, usage=_with_side(turn.usage, took), cost=_sum(turn.cost, dollars))
    return replace(state, turn=turn, usage=_with_side(state.usage, took), cost=_sum(state.cost, dollars))


def _with_side(usage: Mapping[str, Usage], took: Mapping[str, Mapping[str, int]]) -> Mapping[str, Usage]:
    """With what side requests took, by model."""
    if not took:
        return usage
    side = {model: usage.get(model, Usage()) + Usage(**numbers) for model, numbers in took.items()}
    return {**usage, **side}


def _ended(state: State) -> State:
    """A request that was sent stays as it was: what no reply followed is closed as a message of its own."""
    closed = (_message("user", state.pending),) if state.pending else ()
    messages = (*state.messages, *closed)
    choices = state.choices
    state = replace(state, messages=messages, pending=state.waiting, waiting=(), calls=(), choices=(), turn=None)
    for choice in choices:
        state = _other_model(state, choice)
    return state


def _other_model(state: State, event: ModelChanged) -> State:
    model, effort = event.model or state.model, event.effort or state.effort
    if model == state.model:
        return replace(state, effort=effort)
    messages = tuple(_without_thinking(message) for message in state.messages)
    return replace(state, model=model, effort=effort, messages=tuple(filter(None, messages)), prefix=state.prefix + 1)


def _without_thinking(message: Message) -> Message | None:
    """Thinking belongs to the model that thought it; what is left of a message, None when that is nothing."""
    if message["role"] != "assistant":
        return message
    blocks = tuple(it for it in message["content"] if it["type"] not in ("thinking", "redacted_thinking"))
    return {"role": "assistant", "content": blocks} if blocks else None


def sendable(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    """The blocks of a reply as they may go back: no blank text, no white space at the very end (both are 400s)."""
    kept = [it for it in blocks if it.get("type") != "text" or it["text"].strip()]
    if kept and kept[-1].get("type") == "text":
        kept[-1] = {**kept[-1], "text": kept[-1]["text"].rstrip()}
    if all(it.get("type") in ("thinking", "redacted_thinking") for it in kept):
        return ()
    return tuple(kept)


def _result_block(call_id: str, result: Result) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": call_id}
    if isinstance(result.content, str):
        block["content"] = sound(result.content) if result.content.strip() else "(no output)"
    else:
        block["content"] = list(result.content)
    if result.is_error:
        block["is_error"] = True
    return block


def sound(text: str) -> str:
    """The text without lone surrogates, which no JSON reader has to take."""
    try:
        text.encode()  # Nearly every text is whole; this tells it a few times faster than the long way round.
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _message(role: str, blocks: tuple[Block, ...]) -> Message:
    return {"role": role, "content": blocks}


def _refused(state: State) -> bool:
    return state.turn is not None and state.turn.refused


def _sum(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left + right
