"""The facts that close a log which a crash or a cancel left open, so that the next request is always valid."""

from __future__ import annotations

from dataclasses import dataclass

from claw_lsp.core.blocks import text_block
from claw_lsp.core.fold import after
from claw_lsp.core.state import State
from claw_lsp.core.step import open_calls
from claw_lsp.facts.call import Result, text_in
from claw_lsp.facts.checkpoint import Rewound
from claw_lsp.facts.event import CallFinished, CallJudged, Event, ModelSpoke, Noted, Stopped, TurnEnded
from claw_lsp.facts.usage import Usage

INTERRUPTED = "The person interrupted the turn"
CRASHED = "The session ended unexpectedly"
NOTHING = Usage()


@dataclass(frozen=True, slots=True)
class Partial:
    """A reply that has no ModelSpoke yet: the streamed text that was shown, and what the provider had counted when it
    broke off. `cost` is that in dollars, None when the model's price is not known. After a crash only the text is left."""

    text: str = ""
    usage: Usage = NOTHING
    cost: float | None = 0.0


def recover(
    state: State, partial: Partial = Partial(), *, stopped: Stopped = "interrupted", why: str = CRASHED
) -> tuple[Event, ...]:
    """What to append so that nothing that was shown or paid for is lost and no call is left without its answer.

    Empty when the log is closed already. A call that had been allowed may have run, wholly or in part: the model is told
    so. Idempotent.
    """
    facts: list[Event] = []

    def add(event: Event) -> None:
        nonlocal state
        facts.append(event)
        state = after(state, event)

    if partial != Partial():
        add(_cut(partial, state.model, why))
    for it in open_calls(state):
        if it.judged is None:
            add(CallJudged(call_id=it.call.id, decision="fault", by="recovery", reason=why, recovered=True))
        add(CallFinished(call_id=it.call.id, result=_closing(why, ran=_allowed(it.judged)), recovered=True))
    if state.turn is not None:
        add(_end(state, stopped, why))
    return tuple(facts)


def rewind_cut_short(state: State) -> tuple[Event, ...]:
    """What to append to a log that was closed while files were brought back: the person and the model are told."""
    begun = state.rewinding
    if begun is None:
        return ()
    paths = ", ".join(it.path for it in begun.files)
    how = "The person took files back, and that was cut short: some are as they were before, others not."
    rewound = Rewound(rewind=begun.rewind, prompt_id=begun.prompt_id, what="code", redo=begun.redo, cut=True)
    return (rewound, *((Noted(text=f"[{how} Read these again: {paths}]"),) if paths else ()))


def _cut(partial: Partial, model: str, why: str) -> ModelSpoke:
    blocks = (text_block(partial.text),) if partial.text else ()
    return ModelSpoke(
        blocks=blocks, model=model, usage=partial.usage, cost=partial.cost, cut=True, fault=why, recovered=True
    )


def _allowed(judged: CallJudged | None) -> bool:
    return judged is not None and judged.decision == "allow"


def _closing(why: str, *, ran: bool) -> Result:
    if ran:
        text = f"{why} while this call was running. It may have been done wholly, in part or not at all: check first."
    else:
        text = f"{why} before this call. It was not run."
    return Result(content=text, is_error=True, summary="interrupted")


def _end(state: State, stopped: Stopped, why: str) -> TurnEnded:
    turn = state.turn
    assert turn is not None
    text = text_in(turn.last.blocks) if turn.last else ""
    return TurnEnded(
        run=turn.run, stopped=stopped, text=text, why=why, usage=dict(turn.usage), cost=turn.cost, by_loop=False
    )
