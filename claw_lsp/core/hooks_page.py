"""The hooks in force as a document for people: where each stands, whether it runs, and how it last did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from claw_lsp.core.chat.writer import code
from claw_lsp.core.render import duration
from claw_lsp.core.words import counted
from claw_lsp.facts.event import Entry
from claw_lsp.facts.hook import FIRED, Hook
from claw_lsp.facts.hooked import Hooked, HookRun


@dataclass(frozen=True, slots=True)
class Listed:
    """A hook in force: how often it ran in the session and how it last did, `at` in Unix seconds; `never` is why it never runs."""

    hook: Hook
    n: int = 0
    last: HookRun | None = None
    at: float = 0.0
    never: str = ""


def listed(hooks: Iterable[Hook], entries: Iterable[Entry]) -> tuple[Listed, ...]:
    """The hooks with what the session says of each, in the order of the settings."""
    ran: dict[tuple[str, str], list[tuple[float, HookRun]]] = {}
    for entry in entries:
        if isinstance(event := entry.event, Hooked):
            for run in event.ran:
                ran.setdefault((event.event, run.name), []).append((entry.at, run))
    return tuple(_of(it, ran.get((it.event, it.name), [])) for it in hooks)


def written(
    them: Sequence[Listed],
    withheld: Sequence[str],
    problems: Sequence[str],
    short: Callable[[str], str],
    when: Callable[[float], str],
) -> str:
    """The document. `short` says a path as people write it, `when` a time."""
    lines = ["# Hooks"]
    for event in dict.fromkeys(it.hook.event for it in them):
        lines += ["", f"## {event}", ""]
        lines += [_line(it, short, when) for it in them if it.hook.event == event]
    if not them:
        lines += ["", "No hook is in force. docs/compatibility.md says which events there are."]
    if withheld:
        lines += ["", "## Not in force", "", *(f"- {it}" for it in withheld)]
        lines += ["", "What a folder's own files bring runs once you trusted it (claw.trust)."]
    if problems:
        lines += ["", "## Wrong in settings files", "", *(f"- {it}" for it in problems)]
    return "\n".join(lines) + "\n"


def _of(hook: Hook, runs: Sequence[tuple[float, HookRun]]) -> Listed:
    never = "claw-lsp does not have this event yet" if hook.event not in FIRED else ""
    at, last = runs[-1] if runs else (0.0, None)
    return Listed(hook, len(runs), last, at, never)


def _line(it: Listed, short: Callable[[str], str], when: Callable[[float], str]) -> str:
    hook = it.hook
    where = f"{short(hook.file)}:{hook.line}" if hook.file else hook.source
    about = [
        f"for {code(hook.matcher)}" if hook.matcher else "",
        f"if {code(hook.condition)}" if hook.condition else "",
    ]
    kind = "" if hook.type == "command" else f"{hook.type} "
    head = " ".join(filter(None, (f"- {kind}{code(hook.name)}", *about, f"({hook.source}, {where})")))
    if it.never:
        return f"{head}: never runs, since {it.never}"
    if it.last is None:
        return head
    how = it.last.fault or f"exit code {it.last.code}"
    return f"{head}: {counted(it.n, 'run')}, the last at {when(it.at)}: {how} after {duration(it.last.seconds)}"
