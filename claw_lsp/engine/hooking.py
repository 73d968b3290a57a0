"""The one place where hooks are run: chosen and joined by the core, run by the port, written down, then obeyed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from typing import Protocol

from claw_lsp.core.hooks import occasions, variables
from claw_lsp.core.hooks.choosing import Occasion, chosen, seconds
from claw_lsp.core.hooks.saying import NOTHING, Said, joined, said
from claw_lsp.core.hooks.telling import LONGEST, MOST_HELD, WOKEN, fact, told
from claw_lsp.engine.saving import Saves, saved_first
from claw_lsp.engine.session import Session
from claw_lsp.facts.call import Call, Result, text_in
from claw_lsp.facts.event import Entry, ModelChanged, ModelSpoke, Titled, TurnEnded, UserSpoke
from claw_lsp.facts.fault import ClawError, ModelError
from claw_lsp.facts.hook import Hook, HookRan
from claw_lsp.facts.hooked import Hooked
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.scene import Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.facts.signal import Signal, Working
from claw_lsp.ports.hooks import HookPlace, Hooks
from claw_lsp.ports.world import Clock

_REASONS = frozenset(
    """rate_limit overloaded authentication_failed billing_error invalid_request model_not_found server_error
    max_output_tokens""".split()
)
"""The faults of a provider that hooks know by name."""


IDLE = 60.0
"""Seconds after a turn's end after which hooks hear that the session waits for the person."""
GRACE = 3.0
"""Seconds that hooks nothing waits for have to end once their session is left: what they are for should happen, too."""

_OF_TASKS = ("TaskCreate", "TaskUpdate")

_OF_WORK = frozenset("PostToolUse PostToolBatch TaskCompleted Stop".split())
"""Events whose hooks look at what was done: to them the disk says what the editor says."""


class Shown(Protocol):
    """The part of a host that hooks need."""

    async def saw(self, entry: Entry) -> None: ...
    async def heard(self, signal: Signal) -> None: ...


class Wired(Protocol):
    """What running hooks needs of a turn's hands."""

    @property
    def hooks(self) -> Hooks: ...
    @property
    def host(self) -> Shown: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def workspace(self) -> Saves | None: ...


class Resting(Wired, Protocol):
    """The same, where time passes."""

    @property
    def clock(self) -> Clock: ...


@dataclass(frozen=True, slots=True)
class Alone:
    """Hands where no turn runs: facts go to `show`, and nothing is saved."""

    hooks: Hooks
    settings: Settings
    show: Callable[[Entry], Awaitable[None]]
    workspace: None = None

    @property
    def host(self) -> Shown:
        return self

    async def saw(self, entry: Entry) -> None:
        await self.show(entry)

    async def heard(self, signal: Signal) -> None:
        return None


async def fire(occasion: Occasion, session: Session, wired: Wired) -> Said:
    """Run what is configured for this, side by side, and write down what came of it. Never raises for what a hook does."""
    hooks = tuple(it for it in chosen(wired.settings, occasion) if not (it.once and it.name in session.hooked_once))
    if not hooks:
        return NOTHING
    session.hooked_once.update(it.name for it in hooks if it.once)
    workspace = wired.workspace if occasion.event in _OF_WORK else None
    unsaved = await saved_first(workspace, wired.settings) if workspace else ()
    event = told(session.state, occasion, session.log.path) | ({"unsaved_files": unsaved} if unsaved else {})
    given = json.dumps(event, ensure_ascii=False, default=str)
    now = tuple(it for it in hooks if not (it.is_async or it.async_rewake))
    for hook in hooks:
        if hook.status_message:
            await wired.host.heard(Working(occasion.call_id, hook.status_message))
        if hook not in now:
            session.beside(_afterwards(hook, given, occasion, session, wired), GRACE)
    return await _joined(now, given, occasion, session, wired) if now else NOTHING


async def greet(spoken: UserSpoke, session: Session, wired: Wired) -> None:
    """Before the first request of a turn: a session that begins or was opened again says so once, then comes the prompt."""
    source, session.begins = session.begins, None
    session.n_woken = session.n_woken if spoken.text == WOKEN else 0
    session.ends = partial(_farewell, session, wired)
    answers = [await fire(occasions.session_start(source, session.state), session, wired)] if source is not None else []
    if expanded := occasions.expanded(spoken):
        answers.append(await fire(expanded, session, wired))
    if not answers or answers[-1].blocked is None:
        answers.append(await fire(occasions.prompt_submitted(spoken.text), session, wired))
    if title := next((it.title for it in reversed(answers) if it.title), ""):
        await wired.host.saw(session.write(Titled(title=title)))


def notice(occasion: Occasion, session: Session, wired: Wired) -> None:
    """Run hooks that nothing waits for."""
    if chosen(wired.settings, occasion):
        session.beside(_beside(occasion, session, wired), GRACE)


def rests(session: Session, wired: Resting) -> None:
    """A turn ended: hooks that hear of it are told when nothing else happened for a while."""
    if chosen(wired.settings, occasions.IDLE):
        session.beside(_idle(session, wired, _n_prompts(session)))


async def failed(error: ClawError, session: Session, wired: Wired) -> None:
    """StopFailure hooks, once a turn ended because the provider failed."""
    if isinstance(error, ModelError):
        reason = error.reason if error.reason in _REASONS else "unknown"
        since = takewhile(lambda it: not isinstance(it, UserSpoke), (it.event for it in reversed(session.entries)))
        last = next((text for it in since if isinstance(it, ModelSpoke) and (text := text_in(it.blocks))), "")
        await fire(occasions.failed(reason, str(error), last), session, wired)


async def after_call(plan: Plan, result: Result, took: float, session: Session, scene: Scene, wired: Wired) -> Result:
    """The result as PostToolUse hooks leave it, or PostToolUseFailure hooks."""
    answer = await fire(occasions.after_call(plan, scene.ground, result, took), session, wired)
    if answer.output is None or result.is_error:
        return result
    return result.model_copy(update={"content": answer.output})


async def with_tasks(call: Call, result: Result, session: Session, wired: Wired) -> Result:
    """The result, unless a hook is against a task that the call wrote down or called done: then nothing is changed."""
    if result.tasks is None or call.name not in _OF_TASKS:
        return result
    for it in occasions.of_tasks(call.id, session.state.tasks, result.tasks):
        if (why := (await fire(it, session, wired)).blocked) is not None:
            text = f"A hook ({it.event}) is against it, and the list of tasks stayed as it was: {why}"
            return Result(content=text, is_error=True, summary=text.split("\n", 1)[0])
    return result


async def after_calls(session: Session, wired: Wired) -> None:
    """PostToolBatch hooks, once every call of a reply has its result."""
    spoken = next((it.event for it in reversed(session.entries) if isinstance(it.event, ModelSpoke)), None)
    if spoken is not None and not session.state.calls:
        await fire(occasions.after_calls(spoken.blocks), session, wired)


async def kept_going(session: Session, wired: Wired) -> bool:
    """Whether Stop hooks have the turn go on; they may so often in a row and no more."""
    turn = session.state.turn
    if turn is None or turn.halted is not None or turn.n_held >= MOST_HELD:
        return False
    answer = await fire(occasions.stop(turn), session, wired)
    return answer.decision == "deny" and answer.halts is None


async def may_stand_in(other: ModelChanged, session: Session, wired: Wired) -> bool:
    """Whether PreModelSwitch hooks let another model go on with the turn in place of one that failed."""
    answer = await fire(occasions.before_model(session.state.model, other.model or ""), session, wired)
    return answer.blocked is None


async def stands_in(before: str, other: ModelChanged, session: Session, wired: Wired) -> None:
    await fire(occasions.after_model(before, other.model or ""), session, wired)


def masks(wired: Wired) -> bool:
    """Whether hooks want to say what is shown of the model's replies; then nothing is shown before they did."""
    return any(it.event == "MessageDisplay" for it in wired.settings.hooks)


async def shown(event: ModelSpoke, session: Session, wired: Wired) -> None:
    """MessageDisplay hooks, before a reply is written down: what they say is shown in place of its text."""
    if (turn := session.state.turn) is not None and (text := text_in(event.blocks)):
        await fire(occasions.displayed(turn.run, event.message_id, text), session, wired)


async def before_compaction(trigger: str, focus: str, session: Session, wired: Wired) -> Said:
    """What PreCompact hooks say, by hand ("manual") or by itself ("auto"): `blocked` is why it is not to be done, `context`
    what they want the summary to mind; the model was told neither."""
    return await fire(occasions.before_compaction(trigger, focus), session, wired)


async def after_compaction(trigger: str, summary: str, session: Session, wired: Wired) -> None:
    """PostCompact hooks; then the session begins once more for SessionStart hooks, with the next prompt."""
    session.begins = "compact"
    await fire(occasions.after_compaction(trigger, summary), session, wired)


async def _joined(hooks: tuple[Hook, ...], given: str, occasion: Occasion, session: Session, wired: Wired) -> Said:
    place = _place(session, wired.settings)
    ran = await asyncio.gather(*(wired.hooks.run(it, given, seconds(it), place) for it in hooks))
    answer = joined(_taken(said(it, how), it, how, session) for it, how in zip(hooks, ran, strict=True))
    answer = replace(answer, context=await _short(answer.context, wired), reason=await _short(answer.reason, wired))
    if answer.watches is not None:
        session.watches = answer.watches
    await wired.host.saw(session.write(fact(occasion, answer, hooks, ran)))
    return answer


async def _idle(session: Session, wired: Resting, n_prompts: int) -> None:
    await wired.clock.sleep(IDLE)
    if session.state.turn is None and n_prompts == _n_prompts(session):
        await _beside(occasions.IDLE, session, wired)


def _n_prompts(session: Session) -> int:
    return sum(isinstance(it.event, UserSpoke) for it in session.entries)


async def _beside(occasion: Occasion, session: Session, wired: Wired) -> None:
    with suppress(ClawError):
        await fire(occasion, session, wired)


async def _afterwards(hook: Hook, given: str, occasion: Occasion, session: Session, wired: Wired) -> None:
    """A hook that nothing waits for: what it says is told when it is done; a refusal with `asyncRewake` is told to the model."""
    ran = await wired.hooks.run(hook, given, seconds(hook), _place(session, wired.settings))
    answer = _taken(said(hook, ran), hook, ran, session)
    context = answer.reason if hook.async_rewake and answer.decision == "deny" else answer.context
    wakes = hook.async_rewake and answer.decision == "deny"
    answer = Said(context=await _short(context, wired), message=answer.message, faults=answer.faults)
    with suppress(ClawError):
        told = fact(occasion, answer, (hook,), (ran,))
        await wired.host.saw(session.write(told))
        if wakes:
            await _woken(told, session)


async def _woken(told: Hooked, session: Session) -> None:
    """Begin a turn for what a hook said, unless the turn in flight still tells it, or the person stopped that."""
    async with session.in_turn:
        untold = any(it.get("text") == told.context for it in (*session.state.pending, *session.state.waiting))
    ended = next((it.event for it in reversed(session.entries) if isinstance(it.event, TurnEnded)), None)
    if session.wakes is None or not untold or ended is None or ended.stopped == "interrupted":
        return
    if session.n_woken < MOST_HELD:
        session.n_woken += 1
        await session.wakes(session.id, WOKEN)


def _taken(answer: Said, hook: Hook, ran: HookRan, session: Session) -> Said:
    """The answer, once what the hook exported counts for later commands."""
    exported = variables.read(ran.exported)
    session.environment = exported.over(session.environment)
    if not exported.refused:
        return answer
    fault = f"The hook {hook.name} ({hook.event}) exported what is not taken over: {', '.join(exported.refused)}."
    return replace(answer, faults=(*answer.faults, fault))


async def _farewell(session: Session, wired: Wired, reason: str) -> None:
    """SessionEnd hooks. Nobody may be there any more to be shown anything."""
    with suppress(ClawError):
        await fire(occasions.session_end(reason), session, Alone(wired.hooks, wired.settings, unseen))


async def unseen(entry: Entry) -> None:
    """Where facts go that nobody is there to be shown."""


def _place(session: Session, settings: Settings) -> HookPlace:
    state = session.state
    project = state.roots[0] if state.roots else state.cwd
    roots, rules = (*state.roots, *settings.add_dirs), (*settings.rules, *state.rules)
    return HookPlace(project, state.cwd, state.session, settings, state.effort or "", roots, rules)


async def _short(text: str, wired: Wired) -> str:
    if len(text) <= LONGEST:
        return text
    path = await wired.hooks.keep(text)
    where = f"the whole text is in {path}" if path else "the rest could not be kept"
    return f"{text[:LONGEST]}\n[{len(text) - LONGEST} characters left out here; {where}]"
