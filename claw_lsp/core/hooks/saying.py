"""What hooks said: exit codes and JSON of each, and what all of them say together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from claw_lsp.core.escape import stripped
from claw_lsp.core.policy.hooks import together
from claw_lsp.facts.hook import Hook, HookEnded, HookRan, HookVerdict
from claw_lsp.facts.mcp import Elicited
from claw_lsp.facts.rule import Behavior

BLOCKS = 2
"""The exit code by which a hook refuses."""

_TOLD_PLAINLY = frozenset({"SessionStart", "UserPromptSubmit", "UserPromptExpansion", "Setup"})
"""Events whose hooks speak to the model by what they print."""
_DEAF = frozenset(
    """StopFailure Notification SessionEnd PermissionDenied PostCompact PermissionRequest InstructionsLoaded CwdChanged
    PostModelSwitch FileChanged DirectoryAdded MessageDisplay""".split()
)
"""Events that exit code 2 changes nothing about."""
_WATCHING = frozenset({"SessionStart", "CwdChanged", "FileChanged"})
"""Events whose hooks may name files to watch."""
MOST_WATCHED = 500
_ACTIONS = ("accept", "decline", "cancel")
"""What a hook may answer to an MCP server in the person's place."""
_DECISIONS: dict[str, Behavior] = {
    "allow": "allow",
    "approve": "allow",
    "deny": "deny",
    "block": "deny",
    "ask": "ask",
    "defer": "ask",  # What a hook puts off is for the person to answer.
}
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Said:
    """What one hook said, or all of them together.

    `decision` is deny for everything that blocks. `input` is what the call is to be made with, `output` what the model gets
    as its result, `grants` the `updatedPermissions`, `elicited` the answer to a server's
    question, `watches` the files to watch from now on, None where nothing is said of them.
    `display` is shown to people in place of the model's text. `halts` is why everything is to stop, None where nothing says so.
    `message` is for people, `context` for the model; `faults` are hooks that failed, a sentence each.
    """

    decision: Behavior | None = None
    reason: str = ""
    input: Mapping[str, Any] | None = None
    output: str | None = None
    context: str = ""
    message: str = ""
    title: str = ""
    halts: str | None = None
    retries: bool = False
    grants: tuple[Mapping[str, Any], ...] = ()
    faults: tuple[str, ...] = ()
    elicited: Elicited | None = None
    watches: tuple[str, ...] | None = None
    display: str | None = None

    @property
    def blocked(self) -> str | None:
        """Why it is not to go on, None where nothing is against it."""
        if self.halts is not None:
            return self.halts
        return self.reason or "a hook refused it" if self.decision == "deny" else None

    @property
    def verdict(self) -> HookVerdict | None:
        return HookVerdict(self.decision, self.reason) if self.decision else None


NOTHING = Said()


def said(hook: Hook, ran: HookRan) -> Said:
    """What the end of one hook means. One that failed consents to nothing; with `onFailure: "block"` it refuses."""
    must_run = hook.on_failure == "block" or (hook.event == "PreModelSwitch" and ran.code is None)
    if ran.code == BLOCKS:
        if hook.event in _DEAF:
            return NOTHING
        return Said(
            decision="deny",
            reason=stripped(ran.errors).strip() or f"the hook {_short(hook)} refused it without a reason",
        )
    data, fault = _json(hook, ran)
    spoken = _read(hook, data) if data is not None else NOTHING
    failed = ran.code != 0
    if failed and not fault:
        fault = ran.fault or f"it ended with exit code {ran.code}{_because(ran.errors)}"
    if failed or fault:
        fault = f"The hook {_short(hook)} ({hook.event}) failed: {fault.rstrip('.')}."
        decision = "deny" if must_run or spoken.decision == "deny" else "ask" if spoken.decision == "ask" else None
        reason = spoken.reason or (fault.rstrip(".") if must_run else "")
        return Said(decision, reason, message=spoken.message, halts=spoken.halts, faults=(fault,))
    if data is None and hook.event in _TOLD_PLAINLY:
        return Said(context=stripped(ran.output).strip())
    return spoken


def joined(them: Iterable[Said]) -> Said:
    """What they say together: the strictest decision, and everything else that was not refused by another."""
    every = tuple(them)
    verdict = together(HookEnded(0, it.decision, it.reason) for it in every)
    reasons = dict.fromkeys(it.reason for it in every if verdict and it.decision == verdict.decision and it.reason)
    naming = [it for it in every if it.watches is not None]
    return Said(
        decision=verdict.decision if verdict else None,
        reason="\n".join(reasons),
        input=next((it.input for it in reversed(every) if it.input is not None and it.decision != "deny"), None),
        output=next((it.output for it in reversed(every) if it.output is not None), None),
        context="\n\n".join(it.context for it in every if it.context),
        message="\n".join(it.message for it in every if it.message),
        title=next((it.title for it in reversed(every) if it.title), ""),
        halts=next((it.halts for it in every if it.halts is not None), None),
        retries=any(it.retries for it in every),
        grants=tuple(grant for it in every for grant in it.grants),
        faults=tuple(fault for it in every for fault in it.faults),
        display=next((it.display for it in reversed(every) if it.display is not None), None),
        watches=tuple(path for it in naming for path in it.watches or ()) if naming else None,
        elicited=next(
            (it.elicited for it in every if verdict and it.elicited and it.decision == verdict.decision), None
        ),
    )


def _json(hook: Hook, ran: HookRan) -> tuple[dict[str, Any] | None, str]:
    """The object that it printed, and what is wrong with it. Output that does not begin with { is a text."""
    text = ran.output.strip()
    if not text.startswith("{"):
        return None, "its answer is no JSON object" if text and hook.type == "http" and ran.code == 0 else ""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        return None, f"its output begins like JSON and is none: {error}"
    if isinstance(data, dict):
        return cast("dict[str, Any]", data), ""
    return None, "its output is no JSON object"


def _read(hook: Hook, data: dict[str, Any]) -> Said:
    inner = _object(data.get("hookSpecificOutput"))
    named = _text(inner, "hookEventName")
    if named and named != hook.event:
        return Said(faults=(f"The hook {_short(hook)} answered for {named}, though it ran for {hook.event}.",))
    answer = _object(inner.get("decision"))
    word = _text(inner, "permissionDecision") or _text(answer, "behavior") or _text(data, "decision")
    reason = _text(inner, "permissionDecisionReason") or _text(answer, "message") or _text(data, "reason")
    wanted = answer.get("updatedInput", inner.get("updatedInput"))
    grants = answer.get("updatedPermissions")
    output = inner.get("updatedToolOutput")
    action = _text(inner, "action") if hook.event in ("Elicitation", "ElicitationResult") else ""
    elicited = None
    if action in _ACTIONS:
        word = "allow" if action == "accept" else "deny"
        elicited = Elicited(action, _object(inner.get("content")) if action == "accept" else {})
    unread = f"The hook {_short(hook)} ({hook.event}) decided {word[:40]!r}, which is none of: {', '.join(_DECISIONS)}."
    halted = data.get("continue") is False or answer.get("interrupt") is True
    display = inner.get("displayContent") if hook.event == "MessageDisplay" else None
    watches = inner.get("watchPaths") if hook.event in _WATCHING else None
    return Said(
        decision=_DECISIONS.get(word),
        reason=reason,
        input=cast("dict[str, Any]", wanted) if isinstance(wanted, dict) else None,
        output=output if output is None or isinstance(output, str) else json.dumps(output, ensure_ascii=False),
        context="\n\n".join(filter(None, (_text(inner, "additionalContext"), _text(inner, "initialUserMessage")))),
        message=_text(data, "systemMessage"),
        title=_text(inner, "sessionTitle"),
        halts=(_text(data, "stopReason") or reason or f"The hook {_short(hook)} stopped it.") if halted else None,
        retries=inner.get("retry") is True,
        grants=tuple(_granted(hook, it) for it in cast("list[Any]", grants)) if isinstance(grants, list) else (),
        elicited=elicited,
        display=stripped(display) if isinstance(display, str) else None,
        watches=_paths(cast("list[Any]", watches)) if isinstance(watches, list) else None,
        faults=() if not word or word in _DECISIONS else (unread,),
    )


def _paths(said: list[Any]) -> tuple[str, ...]:
    return tuple(it for it in said if isinstance(it, str) and it)[:MOST_WATCHED]


def _granted(hook: Hook, entry: object) -> dict[str, Any]:
    """What a folder brought says nothing about other folders: there it holds for the session."""
    said = _object(entry)
    elsewhere = said.get("destination") == "userSettings" and hook.source in ("project", "local")
    return said | {"destination": "session"} if elsewhere else said


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return stripped(value) if isinstance(value, str) else ""


def _because(errors: str) -> str:
    shown = stripped(errors).strip()
    return f" and said: {shown[:_SHOWN]}{'…' if len(shown) > _SHOWN else ''}" if shown else ""


def _short(hook: Hook) -> str:
    return hook.name if len(hook.name) <= 60 else f"{hook.name[:59]}…"
