"""The fold: what events add up to, one after the other, and how a new prefix of the prompt begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from claw_lsp.core import dropping
from claw_lsp.core.blocks import message, result_block, rough, sendable, text_block, without_thinking
from claw_lsp.core.exposure import exposed, knowing, meeting
from claw_lsp.core.policy.egress import hosts_named
from claw_lsp.core.prefix import LEFT_OUT, Said, answered, fixed, moved, noted, replaced
from claw_lsp.core.replacing import replace
from claw_lsp.core.state import State
from claw_lsp.core.turn import (
    GO_ON_AFTER_COMPACTION,
    OpenCall,
    Turn,
    added,
    did,
    notes,
    replied,
    to_speak,
    with_side,
    words_with_yes,
)
from claw_lsp.facts.call import Block, calls_in
from claw_lsp.facts.checkpoint import Checkpointed, RewindBegun, Rewound
from claw_lsp.facts.dropped import Dropped
from claw_lsp.facts.event import (
    CallFinished,
    CallJudged,
    Compacted,
    CompactionFailed,
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
from claw_lsp.facts.request import Message
from claw_lsp.facts.reviewed import ReviewFact
from claw_lsp.facts.rule import Mode, Rule
from claw_lsp.facts.usage import Usage


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
            return _asked(state, event)
        case ModelSpoke():
            return _spoke(state, event)
        case CallJudged():
            return _judged(state, event)
        case CallFinished():
            return _finished(state, event)
        case RuleAdded():
            return _with_rule(state, event.rule)
        case RuleRemoved():
            return _without_rule(state, event.rule)
        case ModeChanged():
            return replace(state, mode=event.mode, refusals=(0, 0))
        case ModelChanged():
            return _picked(state, event)
        case Noted():
            return _said_aside(state, text_block(event.text))
        case Instructed():
            return _instructed(state, event)
        case ToolsOffered():
            return _offered(state, event)
        case Hooked():
            return _hooked(state, event)
        case ReviewFact() | Forked() | Unknown():
            return state
        case Steered():
            return _steered(state, event)
        case LimitRaised():
            return _raised(state, event)
        case Reopened():
            return _reopened(state, event)
        case Titled():
            return _titled(state, event)
        case Checkpointed() | RewindBegun() | Rewound():
            return _checkpointed(state, event)
        case Dropped():
            return _dropped(state, event)
        case Compacted():
            return compacted(state, event)
        case CompactionFailed():
            return _billed(replace(state, turn=state.turn and replace(state.turn, compact_at=None)), event)
        case TurnEnded():
            return _ended(state)


def _asked(state: State, event: UserSpoke) -> State:
    turn = Turn(event.run, event.prompt_id, event.max_turns, event.max_cost, event.compact_at, event.blocks)
    seen = {**state.seen, **event.seen} if event.seen else state.seen
    state = replace(_with_words(state, event.prompt_id, event.text), undone=None)
    pending = (*state.pending, *event.blocks)
    return _told(replace(state, pending=pending, turn=turn, calls=(), unread=(), seen=seen), event)


def _raised(state: State, event: LimitRaised) -> State:
    turn = state.turn and replace(state.turn, max_turns=event.max_turns or state.turn.max_turns)
    return replace(state, turn=turn, max_cost=event.max_cost or state.max_cost)


def _with_rule(state: State, rule: Rule) -> State:
    habits = {text: it for text, it in state.habits.items() if text != rule.text}
    return replace(state, rules=(*state.rules, rule), habits=habits)


def _reopened(state: State, event: Reopened) -> State:
    rules = tuple(it for it in state.rules if it.behavior != "allow")
    return replace(state, mode=event.mode, rules=rules, exposure=replace(state.exposure, known=frozenset()))


def _without_rule(state: State, rule: Rule) -> State:
    gone = (rule.text, rule.behavior)
    return replace(state, rules=tuple(it for it in state.rules if (it.text, it.behavior) != gone))


def _titled(state: State, event: Titled) -> State:
    if not event.model:
        return replace(state, title=event.title)
    usage = {**state.usage, event.model: state.usage.get(event.model, Usage()) + event.usage}
    return replace(state, title=event.title, usage=usage, cost=added(state.cost, event.cost))


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
        size=fixed(event.system, event.tools),
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
    state = replace(state, calls=calls, turn=turn, exposure=knowing(state.exposure, hosts))
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
    counted = event.usage.prompt_tokens + event.usage.output_tokens
    size = counted if event.usage.prompt_tokens else state.filled + rough(sent)
    calls = tuple(OpenCall(call) for call in calls_in(sent))
    turn = state.turn and replied(state.turn, event, sent=bool(sent), calls=bool(calls))
    user = (message("user", state.pending),) if state.pending else ()
    if not sent:
        # It was sent all the same: what is said next is a message of its own.
        said, state = state.messages + user, replace(state, pending=())
        return replace(state, messages=said, usage=usage, cost=added(state.cost, event.cost), turn=turn)
    return replace(
        state,
        usage=usage,
        cost=added(state.cost, event.cost),
        # Not unpacked: that goes through all of them twice, and there may be thousands.
        messages=state.messages + (*user, message("assistant", sent)),  # noqa: RUF005
        size=size,
        pending=(*notes(event, calls), *state.waiting),
        calls=calls,
        waiting=(),
        unread=tuple(it for it in state.unread if text_block(it) in state.waiting),
        turn=turn,
    )


def _said_aside(state: State, *blocks: Block) -> State:
    """Behind what the model was sent; while it may be being asked that is behind its reply, since a request that was
    sent stays as it was."""
    if state.turn is not None and not state.calls and to_speak(state.turn.last):
        return replace(state, waiting=(*state.waiting, *blocks))
    return replace(state, pending=(*state.pending, *blocks))


def _instructed(state: State, event: Instructed) -> State:
    """With what the person said where the model was not asked yet, else as a note."""
    others = {path: it for path, it in state.instructed.items() if path != event.path}
    state = replace(state, instructed=others if event.gone else {**others, event.path: event.digest})
    return _beside_prompt(state, text_block(event.text))


def _beside_prompt(state: State, block: Block) -> State:
    if state.turn is not None and not state.calls and state.turn.n_replies == 0 and not state.waiting:
        return replace(state, pending=(*state.pending, block))
    return _said_aside(state, block)


def _offered(state: State, event: ToolsOffered) -> State:
    """A tool that the model knows stays as it was told while this prefix lasts."""
    known = {it.name for it in state.tools}
    new = tuple(it for it in event.tools if it.name not in known)
    begins = not all(it.deferred for it in new)
    if begins and state.turn is not None and state.turn.n_replies:
        return replace(state, waits=(*state.waits, event))
    back = {it.name for it in event.tools}
    state = replace(state, tools=(*state.tools, *new), gone=(state.gone - back) | frozenset(event.gone))
    state = begun(state, state.messages) if begins else state
    return _beside_prompt(state, text_block(event.text))


def _steered(state: State, event: Steered) -> State:
    """As a note, but the turn goes on until the model has answered it."""
    state = _with_words(state, "", event.text)
    state = _told(_said_aside(state, text_block(event.text), *event.blocks), event)
    state = replace(state, seen={**state.seen, **event.seen}) if event.seen else state
    if state.turn is None:
        return state
    turn = replace(state.turn, last=None, steered=bool(state.waiting))
    return replace(state, turn=turn, unread=(*state.unread, event.text))


def _with_words(state: State, prompt_id: str, text: str) -> State:
    said = Said(prompt_id, text, state.prefix, len(state.messages), state.pending, state.instructed)
    return replace(state, said=(*state.said, said))


def _hooked(state: State, event: Hooked) -> State:
    state, turn = _paid(state, event.side_usage, event.side_cost), state.turn
    if event.erases and turn is not None:
        said = (*state.said[:-1], *(replace(it, text="") for it in state.said[-1:]))
        state = replace(state, pending=tuple(it for it in state.pending if it not in turn.prompt), said=said)
    elif event.context and event.event in ("SessionStart", "UserPromptSubmit", "UserPromptExpansion"):
        state = replace(state, pending=(*state.pending, text_block(event.context)))
    elif event.context:
        state = _said_aside(state, text_block(event.context))
    if (turn := state.turn) is None:
        return state
    turn = replace(turn, halted=event.halts or turn.halted, n_held=turn.n_held + event.goes_on)
    return replace(state, turn=replace(turn, last=None) if event.goes_on else turn)


def _told(state: State, event: UserSpoke | Steered) -> State:
    """With the hosts that the person named. Comments in a file name none, nor does its name: anybody may have written them."""
    exposure = meeting(state.exposure, event.untrusted) if event.untrusted else state.exposure
    sent = any(not it.startswith("not sent") for it in event.along)
    private = exposure.private or bool(event.seen) or sent or (isinstance(event, UserSpoke) and event.path is not None)
    words = event.text
    if isinstance(event, UserSpoke) and event.action != "ask":
        words = "" if event.action.startswith("comment_") else event.text.partition("\n\n")[2]
    known = exposure.known | hosts_named(words)
    return replace(state, exposure=replace(exposure, private=private, known=known))


def _finished(state: State, event: CallFinished) -> State:
    result = event.result
    calls = tuple(replace(it, result=result) if it.call.id == event.call_id else it for it in state.calls)
    is_over = state.turn is not None and all(it.result is not None for it in calls)
    answers = tuple(result_block(it.call.id, it.result) for it in calls if it.result) if is_over else ()
    words = tuple(text_block(it) for it in map(words_with_yes, calls) if it) if is_over else ()
    return replace(
        state,
        calls=() if is_over else calls,
        pending=(*answers, *words, *state.pending),
        turn=state.turn and did(state.turn, event, calls, is_over=is_over),
        seen={**state.seen, **result.seen} if result.seen else state.seen,
        exposure=exposed(state.exposure, event),
        cwd=result.cwd or state.cwd,
        tasks=state.tasks if result.tasks is None else result.tasks,
        mode=Mode(result.mode) if result.mode else state.mode,
        usage=with_side(state.usage, result.side_usage),
        cost=added(state.cost, result.side_cost) if result.side_usage else state.cost,
    )


def _paid(state: State, took: Mapping[str, Mapping[str, int]], dollars: float | None) -> State:
    """With what side requests of a call took, by model."""
    if not took:
        return state
    turn = state.turn
    if turn is not None:
        turn = replace(turn, usage=with_side(turn.usage, took), cost=added(turn.cost, dollars))
    return replace(state, turn=turn, usage=with_side(state.usage, took), cost=added(state.cost, dollars))


def _ended(state: State) -> State:
    """A request that was sent stays as it was: what no reply followed is closed as a message of its own."""
    closed = (message("user", state.pending),) if state.pending else ()
    messages = (*state.messages, *closed)
    back = ModelChanged(model=state.picked)
    waits = (back, *state.waits)
    state = replace(state, size=state.filled)
    state = replace(state, messages=messages, pending=state.waiting, waiting=(), calls=(), waits=(), turn=None)
    return fold(waits, state)


def _picked(state: State, event: ModelChanged) -> State:
    turn = state.turn
    if turn is None:
        return _other_model(state, event)
    if not event.why:
        return replace(state, waits=(*state.waits, event))
    return _other_model(replace(state, turn=replace(turn, failed=(*turn.failed, state.model))), event)


def _other_model(state: State, event: ModelChanged) -> State:
    model, effort = event.model or state.model, event.effort or state.effort
    other = begun(state, state.messages) if model != state.model else state
    return replace(other, model=model, effort=effort)


def _dropped(state: State, event: Dropped) -> State:
    if state.turn is not None:
        return replace(state, waits=(*state.waits, event))
    said = (it for it in state.said if it.prefix == state.prefix)
    messages, pending = dropping.without(state.messages, state.pending, said, event.items, state.instructed)
    tools = tuple(it for it in state.tools if f"tool:{it.name}" not in event.items)
    unknown = dropping.paths_read(state.messages, event.items)
    seen = {path: it for path, it in state.seen.items() if path not in unknown}
    # Without any tool there would be no agent.
    return begun(replace(state, tools=tools or state.tools, seen=seen), messages, pending)


def _refused(state: State) -> bool:
    return state.turn is not None and state.turn.refused


def begun(state: State, messages: Iterable[Message], pending: tuple[Block, ...] | None = None) -> State:
    """The state with a new prefix of these messages, without thinking, which belongs to what stood before it; `pending` is
    the user message being gathered, as it was if None. What no request may hold is left out: a result without its call, a
    call without its result (but for calls that are still open), and what is empty then."""
    pending = state.pending if pending is None else pending
    open_ = frozenset(it.call.id for it in state.calls)
    whole, pending = answered(tuple(filter(None, map(without_thinking, messages))), pending, open_)
    if whole and whole[0]["role"] != "user":
        whole = (message("user", (text_block(LEFT_OUT),)), *whole)
    return _with_messages(state, whole, pending)


def compacted(state: State, event: Compacted) -> State:
    """The state with what a compaction left, in a turn or between two; also where it is only to be seen what that would be."""
    state = _billed(state, event)
    head = (message("user", event.head),) if event.head else ()
    n_messages = len(state.messages)
    messages = replaced(state.messages, event.notes)[n_messages - event.kept if event.head else 0 :]
    new = begun(state, (*head, *messages), noted(state.pending, event.notes, n_messages))
    seen = state.seen if event.seen is None else event.seen
    instructed = state.instructed if event.instructions is None else event.instructions
    turn = state.turn
    if turn is not None:
        new = replace(new, pending=new.pending or (text_block(GO_ON_AFTER_COMPACTION),))
        turn = replace(turn, last=None, full=False, n_compacted=turn.n_compacted + 1, n_since=0)
    said = moved(state.said, (state.prefix, new.prefix), len(state.messages) - len(messages), len(head))
    if head:
        said = tuple(replace(it, instructed=instructed) if it.prefix == new.prefix else it for it in said)
    return replace(new, seen=seen, instructed=instructed, turn=turn, said=said)


def _billed(state: State, event: Compacted | CompactionFailed) -> State:
    took = {event.model: event.usage.model_dump()} if event.model else {}
    return _paid(state, took, event.cost)


def back_to(state: State, prompt_id: str) -> State | None:
    """The state whose model knows nothing of a prompt and of what came behind it; None for a prompt that is not known. Only
    while no turn runs. Within its own prefix what remains is what was sent, thinking and all, so the cache still holds it."""
    index = next((n for n, it in enumerate(state.said) if it.prompt_id == prompt_id and prompt_id), None)
    if index is None:
        return None
    said = state.said[index]
    all_ = state.messages if said.prefix == state.prefix else state.earlier[said.prefix]
    messages = all_[: said.n_messages]
    state = replace(state, said=state.said[:index], waiting=(), unread=(), calls=(), instructed=said.instructed)
    if said.prefix == state.prefix:
        return _with_messages(state, messages, said.pending)
    return begun(state, messages, said.pending)


def _checkpointed(state: State, event: Checkpointed | RewindBegun | Rewound) -> State:
    match event:
        case Checkpointed():
            is_this = state.turn is not None and state.turn.prompt_id == event.prompt_id and event.when == "before"
            return replace(state, turn=state.turn and replace(state.turn, kept=True)) if is_this else state
        case RewindBegun():
            return replace(state, rewinding=event)
        case Rewound():
            state = replace(state, rewinding=None) if state.rewinding else state
            return _rewound(state, event) if state.turn is None else replace(state, waits=(*state.waits, event))


def _rewound(state: State, event: Rewound) -> State:
    """What the model knew of files is as unknown as the rest of what it is not to know any more."""
    if event.what == "code":
        return state
    if not event.redo:
        back = back_to(state, event.prompt_id)
        return state if back is None else replace(back, seen={}, undone=replace(state, undone=None))
    if (was := state.undone) is None:
        return state
    earlier = {**was.earlier, was.prefix: was.messages}
    back = back_to(was, event.prompt_id) or state
    # What was noted since is not part of what comes back.
    pending = was.pending + state.pending[len(back.pending) :]
    told = {path: it for path, it in state.instructed.items() if back.instructed.get(path) != it}
    state = replace(state, messages=was.messages, pending=pending, said=was.said, seen=was.seen, undone=None)
    state = replace(state, prefix=state.prefix + 1, earlier=earlier, size=was.size)
    state = replace(state, instructed={**was.instructed, **told})
    return state if state.model == was.model else begun(state, state.messages)


def _with_messages(state: State, messages: tuple[Message, ...], pending: tuple[Block, ...]) -> State:
    less = sum(rough(it["content"]) for it in state.messages) - sum(rough(it["content"]) for it in messages)
    return replace(
        state,
        messages=messages,
        pending=pending,
        prefix=state.prefix + 1,
        earlier=_with_this(state),
        size=max(0, state.size - less),
    )


def _with_this(state: State) -> Mapping[int, tuple[Message, ...]]:
    """The prefixes that a prompt still stands in, with this one."""
    wanted = {it.prefix for it in state.said}
    every = {**state.earlier, state.prefix: state.messages}
    return {n: messages for n, messages in every.items() if n in wanted}
