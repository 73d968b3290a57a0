"""The turn in flight: what each reply and each result makes of it, and what the model is told behind a reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from claw_lsp.core.blocks import text_block
from claw_lsp.core.replacing import replace
from claw_lsp.facts.call import Block, Call, Result
from claw_lsp.facts.event import CallFinished, CallJudged, ModelSpoke
from claw_lsp.facts.plan import Reach
from claw_lsp.facts.usage import Usage

GO_ON_AFTER_CUT = "[The connection broke here. Go on exactly where your reply stopped; do not repeat what is there.]"
GO_ON_AFTER_LIMIT = (
    "[Your reply reached its length limit here. Go on exactly where it stopped; do not repeat what is there.]"
)
ENDED_HERE = "[The turn ended here before your reply was whole.]"
GO_ON_AFTER_COMPACTION = "[The conversation was made shorter here. Go on with the work where your last reply stopped.]"
SOON = 3
"""Compactions with fewer replies between them come one soon after the other."""
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
    """The turn in flight. `n_cuts` and `n_extended` count replies in a row that broke off or ran into the limit,
    `n_held` how often hooks kept it from ending; `halted` is why one stopped it."""

    run: str
    prompt_id: str
    max_turns: int | None
    max_cost: float | None = None
    compact_at: int | None = None
    """How many tokens the model may be sent before the session is compacted; None for never, and once that failed."""
    prompt: tuple[Block, ...] = ()
    n_held: int = 0
    halted: str | None = None
    kept: bool = False
    """Whether the files were kept before its first change, or could not be."""
    n_compacted: int = 0
    """How many compactions came one soon after the other."""
    n_since: int = 0
    """Replies since the last of them."""
    full: bool = False
    """Whether the last request was too long for the model."""
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
    failed: tuple[str, ...] = ()
    """The models that the provider could not give, the one that was picked first."""
    last: ModelSpoke | None = None
    """The reply that nothing has followed yet, but for its own calls; None when the model is to speak next."""


def replied(turn: Turn, event: ModelSpoke, *, sent: bool, calls: bool) -> Turn:
    """The turn after a reply; `sent` says that the model is told of it, `calls` that there are some to be done."""
    return replace(
        turn,
        n_replies=turn.n_replies + 1,
        n_since=turn.n_since + 1,
        full=event.stop_reason == "model_context_window_exceeded",
        n_compacted=turn.n_compacted if turn.n_since + 1 < SOON else 0,
        n_cuts=turn.n_cuts + 1 if event.cut else 0,
        n_extended=turn.n_extended + 1 if event.stop_reason == "max_tokens" else 0,
        usage={**turn.usage, event.model: turn.usage.get(event.model, Usage()) + event.usage},
        cost=added(turn.cost, event.cost),
        last=None if turn.steered and sent and not calls else event,
        steered=turn.steered and not sent,
    )


def to_speak(last: ModelSpoke | None) -> bool:
    """Whether the model speaks next: nothing was said yet, or its last reply is to be gone on with."""
    return last is None or last.cut or last.stop_reason in ("max_tokens", "pause_turn", "model_context_window_exceeded")


def notes(event: ModelSpoke, calls: tuple[OpenCall, ...]) -> tuple[Block, ...]:
    """What the model is told after a reply that broke off; kept behind the results of its calls."""
    if event.stop_reason == "pause_turn" or not (event.cut or event.stop_reason == "max_tokens"):
        return ()
    if event.recovered:
        return (text_block(ENDED_HERE),)
    if calls:
        return (text_block(LOST_CALL),)
    return (text_block(GO_ON_AFTER_CUT if event.cut else GO_ON_AFTER_LIMIT),)


def did(turn: Turn, event: CallFinished, calls: tuple[OpenCall, ...], *, is_over: bool) -> Turn:
    """The turn after a result; `is_over` says that it was the last one of its reply."""
    result = event.result
    return replace(
        turn,
        failures=_failures(turn, calls, event),
        refused=turn.refused and result.is_error,
        usage=with_side(turn.usage, result.side_usage),
        cost=added(turn.cost, result.side_cost) if result.side_usage else turn.cost,
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


def words_with_yes(it: OpenCall) -> str:
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


def with_side(usage: Mapping[str, Usage], took: Mapping[str, Mapping[str, int]]) -> Mapping[str, Usage]:
    """With what side requests took, by model."""
    if not took:
        return usage
    side = {model: usage.get(model, Usage()) + Usage(**numbers) for model, numbers in took.items()}
    return {**usage, **side}


def added(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left + right
