"""What a log that others could write to is not believed: that the person allowed something.

Conversations are restored from a log, permissions never: an edited one would grant itself whatever it likes.
"""

from __future__ import annotations

from claw_lsp.core.modes import SWITCHED
from claw_lsp.core.state import State
from claw_lsp.facts.event import Event, Noted, Reopened
from claw_lsp.facts.rule import Mode

_ASKS = {Mode.PLAN: 0, Mode.DONT_ASK: 0, Mode.DEFAULT: 1, Mode.ACCEPT_EDITS: 2, Mode.BYPASS: 4}
"""How much goes unasked in a mode. One that is not here asks less than acceptEdits."""


def laxer(mode: Mode, than: Mode) -> bool:
    """Whether more goes unasked in a mode than in another."""
    return _ASKS.get(mode, 3) > _ASKS.get(than, 3)


def reopened(state: State, configured: Mode) -> tuple[Event, ...]:
    """The facts with which a session goes on that was read from a log: allow rules, hosts that were allowed and a mode laxer
    than what is configured do not hold any more. Empty where nothing is taken back; idempotent."""
    dropped = tuple(it.text for it in state.rules if it.behavior == "allow")
    mode = configured if laxer(state.mode, configured) else state.mode
    if mode is state.mode and not dropped and not state.exposure.known:
        return ()
    told = (Noted(text=SWITCHED[mode]),) if mode is not state.mode else ()
    return (Reopened(mode=mode, before=state.mode, dropped=dropped), *told)


def in_words(event: Reopened) -> str:
    """What people are told, "" where they would notice nothing."""
    said = [f"the mode is {event.mode} again, not {event.before}"] if event.mode is not event.before else []
    said += [f"asked about again: {', '.join(event.dropped)}"] if event.dropped else []
    return f"Taken up again: {'; '.join(said)}" if said else ""
