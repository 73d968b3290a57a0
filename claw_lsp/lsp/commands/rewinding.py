"""Going back to before an earlier prompt, with files, chat or both; and taking that back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import uuid4

from claw_lsp.core.chat.writer import code
from claw_lsp.core.render import one_line
from claw_lsp.core.rewinding import Changing, changings, rewound_step
from claw_lsp.core.words import counted
from claw_lsp.engine.session import Session
from claw_lsp.facts.checkpoint import Restored, RewindBegun, Rewound, What
from claw_lsp.facts.event import Event, Noted, UserSpoke
from claw_lsp.facts.fault import BadRequest
from claw_lsp.lsp.arguments import RewindArguments, SessionArguments
from claw_lsp.lsp.commands.reverting import IN_THE_WAY, in_conflict
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.rewinding import Plan, contested, made, planned
from claw_lsp.lsp.shim import Item
from claw_lsp.lsp.transport.messages import RequestId

MOST = 100
"""Prompts that are offered, the last ones."""


@command("claw.rewind", RewindArguments, slash=True)
async def rewind(door: Door, args: RewindArguments, request: RequestId | None) -> Answer:
    """Go back to before an earlier prompt, with the files (`code`), the chat or both. What you wrote since stays; `to` is the
    prompt's id or its number in the session, without it the prompts are offered. `claw.redo` takes it back."""
    session = await _resting(door, args.session)
    every = [it.event for it in session.entries if isinstance(it.event, UserSpoke)]
    numbers = {it.prompt_id: str(n) for n, it in enumerate(every, 1)}
    known = {it.prompt_id for it in session.state.said}
    prompts = [it for it in every if it.prompt_id in known or args.what == "code"][-MOST:]
    named = args.to or await _picked(door, prompts)
    if named is None:
        return _offered(session, prompts, numbers)
    if not named:
        return {"session": session.id, "prompts": []}
    to = next((it.prompt_id for it in prompts if named in (it.prompt_id, numbers[it.prompt_id])), None)
    if to is None or (changed := changings(session.entries, to)) is None:
        raise BadRequest(
            f"to: expected the id or the number of a prompt of this session that is not taken back, found {named!r}; "
            "without `to` they are listed"
        )
    return await _done(door, session, RewindBegun(rewind=str(uuid4()), prompt_id=to), changed, args.what)


@command("claw.redo", SessionArguments, slash=True)
async def redo(door: Door, args: SessionArguments, request: RequestId | None) -> Answer:
    """Take back the last rewind: files, chat or both are again as they were before it, with what you wrote since."""
    session = await _resting(door, args.session)
    events = [it.event for it in session.entries]
    last = _last(events)
    if last is None:
        raise BadRequest("session: nothing was rewound in it, so there is nothing to take back")
    ended: list[What] = [it.what for it in events if isinstance(it, Rewound) and it.rewind == last.rewind]
    what = ended[0] if ended else "code"
    if what != "code" and session.state.undone is None:
        if what == "chat":
            raise BadRequest("session: something was said since the chat was rewound, so that cannot be taken back")
        what = "code"
    changed = (Changing(done=tuple(map(rewound_step, last.files))),)
    again = RewindBegun(rewind=last.rewind, prompt_id=last.prompt_id, redo=True)
    return await _done(door, session, again, changed, what)


async def _done(door: Door, session: Session, begun: RewindBegun, changed: Sequence[Changing], what: What) -> Answer:
    """Planned, written down, made, and written down again: what a crash cuts short can be taken back or done again."""
    plan, done = Plan(), list[Restored]()
    if what != "chat":
        plan = await planned(door, changed)
        await door.write(session, begun.model_copy(update={"files": tuple(plan.files)}))
        done = await made(door, plan, session.state.roots or (session.state.cwd,))
    stayed = await contested(door, plan)
    if door.runs.active(session.id) and what != "code":
        if what == "chat":
            raise BadRequest("session: a turn began meanwhile, so the chat stays as it is; stop it first (claw.stop)")
        what = "code"
        plan.notes.append("A turn began meanwhile, so the chat stays as it is.")
    rewound = Rewound(
        rewind=begun.rewind,
        prompt_id=begun.prompt_id,
        what=what,
        left=tuple(plan.left),
        redo=begun.redo,
        prompts=_since(session, begun.prompt_id),
        contested=stayed,
    )
    await door.write(session, rewound)
    paths = [it.path for it in done]
    if what == "code" and paths:
        away = "took that back" if begun.redo else "took files back to how they were before an earlier prompt"
        await door.write(session, Noted(text=f"[The person {away}. Read these again: {', '.join(paths)}]"))
    left = [{"uri": door.hunks.uri(path), "why": why} for path, why in plan.left.items()]
    uris = [door.hunks.uri(it) for it in paths]
    conflicts = in_conflict(door, rewound.id, [it.path for it in rewound.contested])
    text = _told(paths, plan, what, len(conflicts), redo=begun.redo)
    if left or conflicts:
        door.messages.say(2, f"Claw: {text}")
    answer: Answer = {"session": session.id, "prompt_id": begun.prompt_id, "what": what, "files": uris}
    return answer | {"left": left, "conflicts": conflicts, "notes": plan.notes, "text": text}


def _last(events: Sequence[Event]) -> RewindBegun | None:
    """The last rewind that was not taken back; one of the chat alone has no files."""
    found: dict[str, RewindBegun] = {}
    for it in events:
        match it:
            case RewindBegun(redo=False):
                found[it.rewind] = it
            case Rewound(redo=False):
                found.setdefault(it.rewind, RewindBegun(rewind=it.rewind, prompt_id=it.prompt_id))
            case Rewound(redo=True, cut=False):
                found.pop(it.rewind, None)
            case _:
                pass
    return next(reversed(found.values()), None)


def _since(session: Session, prompt_id: str) -> tuple[str, ...]:
    """The prompts of a session from this one on."""
    every = [it.event.prompt_id for it in session.entries if isinstance(it.event, UserSpoke)]
    return tuple(every[every.index(prompt_id) :])


async def _resting(door: Door, named: str | None) -> Session:
    session = await door.last_session(named)
    if session is None:
        raise BadRequest("session: expected the id of a session, and there is none yet")
    if door.runs.active(session.id):
        raise BadRequest("session: a turn is running in it; stop that first (claw.stop)")
    await door.house.checkpoints.settled()
    return session


async def _picked(door: Door, prompts: Sequence[UserSpoke]) -> str | None:
    """The prompt that was picked, "" where the list was closed; None where there is no list."""
    items = [Item(it.prompt_id, one_line(it.text, 80)) for it in reversed(prompts)]
    picked = await door.shim.picked("Claw: back to before which prompt?", items)
    return None if picked is None else next(iter(picked), "")


def _offered(session: Session, prompts: Sequence[UserSpoke], numbers: Mapping[str, str]) -> Answer:
    listed = [
        {"number": int(numbers[it.prompt_id]), "prompt_id": it.prompt_id, "text": one_line(it.text, 80)}
        for it in prompts
    ]
    lines = [f"- {code(str(it['text']))} (`/rewind {it['number']}`)" for it in listed]
    text = "\n".join(lines) or "Nothing was asked yet, or all of it is taken back."
    return {"session": session.id, "prompts": listed, "text": text}


def _told(paths: Sequence[str], plan: Plan, what: What, n_conflicts: int, *, redo: bool) -> str:
    lines: list[str] = []
    if what != "chat":
        lines.append(f"{counted(len(paths), 'file')} brought back.")
    if what != "code":
        lines.append(
            "The model knows again what was said." if redo else "The model forgot that prompt and what followed."
        )
    lines += [f"{counted(n_conflicts, 'place')} stayed: {IN_THE_WAY}"] if n_conflicts else []
    lines += [f"{code(path)} stays as it is: {why}." for path, why in plan.left.items()]
    lines += plan.notes
    return " ".join(lines) + ("" if redo else " `claw.redo` takes it back.")
