"""What a session does next, decided from its state alone.

Replay law: at every prefix of every log, the step decided from it produces a fact of the kind that came next.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import dropwhile, islice, takewhile

from claw_lsp.core.state import State
from claw_lsp.core.turn import OpenCall, Turn, sameness
from claw_lsp.facts.call import Call
from claw_lsp.facts.event import LimitRaised, ModelSpoke, Stopped

MOST_CUTS = 4
"""How many replies in a row may break off before the turn fails."""
MOST_EXTENDED = 4
"""How many replies in a row may run into their length limit before the turn stops."""

MOST_FAILURES = 5
"""How often the very same call may fail in a turn before the turn stops and the person is asked."""
MOST_SHOWN = 200
"""Characters of such a call that the person is shown."""
MOST_ALIKE = 20
"""How many calls one question is about."""
MOST_COMPACTED = 3
"""How many compactions may come one soon after the other before the turn fails."""
TOO_FULL = "Choose a model with a larger context (/model), or start anew with /clear."
WARNED_AFTER = 3
"""After how many such failures the model is told that it goes round in circles."""


@dataclass(frozen=True, slots=True)
class Consult:
    """Ask the model for its next reply."""


@dataclass(frozen=True, slots=True)
class Compact:
    """Make what the model is sent shorter."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Plan this call and decide whether it may run."""

    call: Call


@dataclass(frozen=True, slots=True)
class Perform:
    """Run these calls, side by side; each was allowed."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell the model that this call did not run, and why."""

    call: Call
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """The turn is over; with `raised`, unless the person raises the limit that was reached to this."""

    stopped: Stopped
    why: str = ""
    raised: LimitRaised | None = None


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do until the person speaks."""


Step = Consult | Compact | Judge | Perform | Refuse | End | Rest


def next_step(state: State) -> Step:
    """The one thing to do now."""
    turn = state.turn
    if turn is None:
        return Rest()
    if state.calls:
        return _next_call(state)
    if turn.halted is not None:
        return End("refused", turn.halted)
    if turn.full:
        return _too_full(turn)
    if turn.last is None:
        if turn.max_turns is not None and turn.n_replies >= turn.max_turns:
            more = LimitRaised(max_turns=turn.n_replies + turn.max_turns)
            return End("limit", f"The turn reached its limit of {turn.max_turns} replies.", more)
        if (most := _may_cost(state, turn)) is not None and (state.cost or 0) >= most:
            more = LimitRaised(max_cost=(state.cost or 0) + (turn.max_cost or most))
            return End("limit", f"The session reached its limit of ${most:g}.", more)
        if again := next((it for it, n in turn.failures.items() if n >= MOST_FAILURES), None):
            return End("limit", _in_circles(again))
        return _makes_room(state, turn) or Consult()
    return _after_reply(turn, turn.last)


def _next_call(state: State) -> Step:
    """Calls are taken in order. Those that only look are judged first and then run side by side; any other call
    waits for what was asked before it, and is planned against what that left behind."""
    group: list[Call] = []
    only_look = state.side_by_side
    for it in state.calls:
        if it.result is not None:
            continue
        if group and it.call.name not in only_look:
            break
        if it.judged is None:
            return Judge(it.call)
        if it.judged.decision != "allow":
            return Refuse(it.call, it.judged.reason)
        group.append(it.call)
        if it.call.name not in only_look:
            break
    return Perform(tuple(group))


def looking_ahead(state: State) -> tuple[Call, ...]:
    """The calls that only look and are judged before any other call is performed: their plans do not depend on what
    this reply does."""
    found: list[Call] = []
    for it in state.calls:
        if it.result is None:
            if it.call.name not in state.side_by_side:
                break
            if it.judged is None:
                found.append(it.call)
    return tuple(found)


def alike_behind(state: State, call: Call) -> tuple[Call, ...]:
    """The calls right behind this one that use the same tool and are not judged yet; not too many for one question."""
    behind = dropwhile(lambda it: it.call.id != call.id, state.calls)
    same = takewhile(lambda it: it.call.name == call.name and it.judged is None, islice(behind, 1, MOST_ALIKE))
    return tuple(it.call for it in same)


def _after_reply(turn: Turn, reply: ModelSpoke) -> Step:
    if reply.cut:
        if turn.n_cuts >= MOST_CUTS:
            return End("failed", f"The connection to the model broke {turn.n_cuts} times in a row ({reply.fault}).")
        return Consult()
    match reply.stop_reason:
        case "pause_turn":
            return Consult()
        case "max_tokens":
            if turn.n_extended >= MOST_EXTENDED:
                return End("limit", f"The reply ran into its length limit {turn.n_extended} times in a row.")
            return Consult()
        case "refusal":
            return End("failed", "The model declined to answer this. Rephrase the request, or try another model.")
        case _ if turn.refused:
            return End("refused", "The last thing the model tried was not permitted.")
        case _:
            return End("done")


def _makes_room(state: State, turn: Turn) -> Compact | End | None:
    """What comes before the next reply where the model's window is nearly full; a compaction is tried once before each."""
    if turn.compact_at is None or not state.messages or state.filled < turn.compact_at:
        return None
    if turn.n_compacted and not turn.n_since:
        return None
    if turn.n_compacted >= MOST_COMPACTED:
        return End(
            "failed", f"The session was compacted {turn.n_compacted} times and is full again at once. {TOO_FULL}"
        )
    return Compact()


def _too_full(turn: Turn) -> Compact | End:
    """What comes after a request that was too long for the model."""
    if turn.compact_at is None:
        return End(
            "failed", f"The conversation no longer fits the model's context. Make it shorter with /compact. {TOO_FULL}"
        )
    if turn.n_compacted and (turn.n_since <= 1 or turn.n_compacted >= MOST_COMPACTED):
        return End("failed", f"The conversation does not fit the model's context, though it was compacted. {TOO_FULL}")
    return Compact()


def _may_cost(state: State, turn: Turn) -> float | None:
    """Dollars for the whole session; None for as much as it takes."""
    return None if turn.max_cost is None else max(turn.max_cost, state.max_cost)


def repeated(state: State, call: Call) -> str:
    """What the model is told with one more failure of this call; "" while it has not failed often."""
    n = state.turn.failures.get(sameness(call), 0) + 1 if state.turn else 0
    if n < WARNED_AFTER:
        return ""
    return f"[This very call failed {n} times in this turn. Do something else, or say what keeps you from going on.]"


def _in_circles(same: str) -> str:
    shown = same if len(same) <= MOST_SHOWN else same[: MOST_SHOWN - 1] + "…"
    return f"The same call failed {MOST_FAILURES} times, so the turn was stopped: {shown}. How should it go on?"


def open_calls(state: State) -> tuple[OpenCall, ...]:
    """The calls of the last reply that have no result yet."""
    return tuple(it for it in state.calls if it.result is None)
