"""The question whether a folder is trusted, and what comes of its answer; the same for every door."""

from __future__ import annotations

from uuid import uuid4

from claw_lsp.core.escape import one_line, visible
from claw_lsp.core.words import counted
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Choice, Plan, Reach
from claw_lsp.facts.question import ALWAYS, DENY, Answer, Question
from claw_lsp.facts.trust import Item, Sought
from claw_lsp.ports.rules import Trust

NEVER = "never"
"""The choice that is remembered as a no."""
_NAMED = 4
"""How many things the title names; the detail holds them all."""


def question(sought: Sought, session: str) -> Question:
    """Whether what waits in a folder shall count. Its detail holds everything that a yes brings into force, whole."""
    waiting = sought.waiting
    named = ", ".join(one_line(it.what, 60) for it in waiting[:_NAMED])
    more = f" and {len(waiting) - _NAMED} more" if len(waiting) > _NAMED else ""
    if sought.standing == "trusted":
        begun, wanted = "Trust what is new or changed in", counted(len(waiting), "thing")
    else:
        begun, wanted = "Trust", f"Its own files would allow, run or redirect {counted(len(waiting), 'thing')}"
    title = f"{begun} {one_line(sought.folder, 80)}? {wanted}: {named}{more}"
    never = "Never" if sought.standing != "trusted" else "Never these"
    return Question(
        id=str(uuid4()),
        session=session,
        run="",
        plan=Plan(call=Call(id=f"trust-{uuid4()}", name="", input={}), reach=Reach.PERSON, title=title),
        title=title,
        detail=described(sought),
        choices=(Choice(DENY, "Not now"), Choice(ALWAYS, "Trust this folder"), Choice(NEVER, never)),
        path=waiting[0].path if waiting else None,
        document="trust.txt",
    )


def described(sought: Sought) -> str:
    """Everything that is not in force, by file, and inert: nothing in it can hide or look like something else."""
    left = (*sought.waiting, *sought.refused)
    files = list(dict.fromkeys(it.path for it in left))
    parts = ["\n".join([visible(file), *(_line(it, sought) for it in left if it.path == file)]) for file in files]
    if sought.never:
        parts.append("\n".join(["Not believed from any folder:", *(f"  {visible(it)}" for it in sought.never)]))
    return "\n\n".join(parts)


async def answered(trust: Trust, sought: Sought, answer: Answer) -> str:
    """Remember the answer; one sentence for people, "" where nothing is remembered. What was shown is approved, and nothing
    that came since. Raises ClawError where it cannot be written."""
    if answer.choice == ALWAYS:
        await trust.trust(sought.folder, sought.waiting)
        return f"{sought.folder} is trusted: what its files ask for counts from the next turn on."
    if answer.choice == NEVER and sought.standing == "trusted":
        await trust.refuse(sought.folder, sought.waiting)
        return f"What is new in {sought.folder} does not count, and you are not asked again. `claw.trust` changes that."
    if answer.choice == NEVER:
        await trust.distrust(sought.folder)
        return f"{sought.folder} is not trusted, and you are not asked again. `claw.trust` changes that."
    return ""


def _line(it: Item, sought: Sought) -> str:
    whole = it.what if it.what.endswith(it.content.strip('"')) else f"{it.what}: {it.content}"
    said = " (changed since you approved it)" if it in sought.changed else " (refused)" if it in sought.refused else ""
    return f"  {visible(whole)}{said}"
