"""The command that shows the permission rules in force, and takes one back or changes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from claw_lsp.core import rule_edit
from claw_lsp.core.files import why
from claw_lsp.core.merge import minimal_edits
from claw_lsp.core.policy.paths import inside
from claw_lsp.core.rules_page import SESSION, Listed, Standing, listed, written
from claw_lsp.engine.session import Session
from claw_lsp.facts.event import RuleAdded, RuleRemoved
from claw_lsp.facts.fault import BadRequest, ToolError
from claw_lsp.facts.rule import Behavior, Rule
from claw_lsp.facts.settings import InForce
from claw_lsp.facts.text import Change
from claw_lsp.lsp.arguments import PermissionsArguments
from claw_lsp.lsp.commands.modes import MODES
from claw_lsp.lsp.commands.table import Answer, command
from claw_lsp.lsp.commands.trust import sentence
from claw_lsp.lsp.door import Door
from claw_lsp.lsp.messages import INFO
from claw_lsp.lsp.transport.messages import RequestId


@command("claw.permissions", PermissionsArguments, slash=True)
async def permissions(door: Door, args: PermissionsArguments, request: RequestId | None) -> Answer:
    """Show the permission rules in force, where each comes from and what it last decided. With `rule` and `to` that one is
    removed, changed, its settings file opened at it, or (`why`) every call shown that it decided; with `rule` alone only
    rules that hold these words are shown."""
    session = await door.looked_at(args.session)
    if args.to is not None:
        known = await standing(door, session)
        it = _named(known, args)
        if args.to == "open":
            return await _opened(door, it)
        if args.to == "why":
            return await _why(door, known, it, session)
        await _change(door, session, it, None if args.to == "remove" else args.to)
    there = await standing(door, session)
    text, about = written(there, lambda path: short(door, path), time_of)
    wanted = [it for it in there.rules if args.to or not args.rule or args.rule in it.rule.text]
    if len(wanted) < len(there.rules):
        text = "\n".join(line for line, it in about.items() if it in wanted) or f"No rule holds {args.rule!r}."
        return {"session": session.id if session else None, "rules": [_json(it) for it in wanted], "text": text}
    path = await door.rules_pages.write(session.id if session else None, text, about)
    shows = request is not None and args.to is None
    return {
        "session": session.id if session else None,
        "mode": await _mode(door, session),
        "rules": [_json(it) for it in there.rules],
        "withheld": list(there.withheld),
        "problems": list(there.problems),
        "directories": list(there.folders),
        "path": path,
        "shown": shows and await door.views.show(path),
        "text": text,
    }


# ---- what there is ----------------------------------------------------------------------------------------------------


async def standing(door: Door, session: Session | None) -> Standing:
    """The rules in force where the session lives, with what it was decided by them."""
    in_force = await door.house.settings(folder_of(door, session), door.section)
    rules = in_force.settings.rules
    files = dict.fromkeys(it.file for it in rules if it.file)
    lines = {it: rule_edit.lines(await _text(door, it)) for it in files}
    of_session, entries = (session.state.rules, session.entries) if session else ((), ())
    return Standing(
        states=await _states(door, session, in_force),
        rules=listed(rules, of_session, entries, lines),
        withheld=in_force.withheld,
        problems=tuple(map(str, in_force.problems)),
        folders=in_force.settings.add_dirs,
    )


async def _states(door: Door, session: Session | None, in_force: InForce) -> tuple[str, ...]:
    """A line each about what decides beside the rules: the mode, the sandbox, whether the folder is trusted."""
    mode = await _mode(door, session)
    states = [f"Mode: {mode} ({MODES[mode]})"]
    if in_force.settings.disable_bypass:
        states.append("The mode bypassPermissions is switched off by the settings.")
    sandbox = "on; claw-lsp doctor says what this machine has for it" if in_force.settings.sandbox_enabled else "off"
    sought = await door.trusting.look(folder_of(door, session))
    trust = sentence(sought, restricted=door.trusting.restricted)
    return (*states, f"Sandbox for commands: {sandbox} (`sandbox.enabled`)", f"{trust} (claw.trust)")


async def _mode(door: Door, session: Session | None) -> Any:
    return session.state.mode if session else door.mode or (await door.settings_of(None)).mode


def folder_of(door: Door, session: Session | None) -> str:
    if session is None:
        return door.home_for(None).folder
    return session.state.roots[0] if session.state.roots else session.state.cwd


async def _text(door: Door, path: str) -> str:
    """The text of a settings file, as the person sees it; "" for one that cannot be read."""
    try:
        return (await door.workspace.read(path)).text
    except ToolError:
        return ""


def _json(it: Listed) -> dict[str, Any]:
    last = {"title": it.last.title, "decision": it.last.decision, "at": it.last.at} if it.last else None
    return {
        "rule": it.rule.text,
        "behavior": it.rule.behavior,
        "source": it.rule.source,
        "file": it.rule.file or None,
        "line": it.line,
        "decided": it.n,
        "last": last,
        "problem": it.wrong or None,
    }


def short(door: Door, path: str) -> str:
    """A path as people write it: below the only workspace folder, or from their home."""
    roots = [it for it in door.folders if inside(path, (it,))]
    if roots and len(door.folders) == 1:
        return path[len(roots[0]) :].lstrip("/")
    home = door.house.home.rstrip("/")
    return f"~{path[len(home) :]}" if home and inside(path, (home,)) else path


def time_of(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


# ---- changing one -----------------------------------------------------------------------------------------------------


def _named(standing: Standing, args: PermissionsArguments) -> Listed:
    """The rule that the arguments name. Raises BadRequest."""
    wanted = (args.rule, args.behavior or "allow", args.file or "")
    for it in standing.rules:
        if (it.rule.text, it.rule.behavior, it.rule.file) == wanted:
            if not it.changeable and args.to not in ("open", "why"):
                raise BadRequest(f"rule: {args.rule} comes from {it.rule.source}, and cannot be changed from here")
            return it
    where = args.file or SESSION
    raise BadRequest(f"rule: there is no {args.behavior or 'allow'} rule {args.rule!r} from {where} (claw.permissions)")


async def _opened(door: Door, it: Listed) -> Answer:
    if not it.rule.file:
        raise BadRequest(f"rule: {it.rule.text} stands in no file")
    shown = await door.views.show(it.rule.file, line=it.line)
    return {"path": it.rule.file, "line": it.line, "shown": shown, "text": f"{it.rule.file}:{it.line or 1}"}


async def _why(door: Door, known: Standing, it: Listed, session: Session | None) -> Answer:
    place = f"{short(door, it.rule.file)}:{it.line or 1}" if it.rule.file else SESSION
    text = why.page(known.rules, it, place, session.entries if session else (), time_of)
    path = await door.views.write(session.id if session else "workspace", "rule.md", text)
    return {"path": path, "shown": await door.views.show(path), "text": text}


async def _change(door: Door, session: Session | None, it: Listed, to: Behavior | None) -> None:
    """Take the rule back, or give it another behavior: in its file, and in every session that was told of it."""
    if it.rule.file:
        await _rewrite(door, it.rule, to)
    for one in list(door.house.sessions.opened.values()) if it.rule.file else filter(None, [session]):
        if any((rule.text, rule.behavior) == (it.rule.text, it.rule.behavior) for rule in one.state.rules):
            await door.write(one, RuleRemoved(rule=it.rule))
    if not it.rule.file and to is not None and session is not None:
        await door.write(session, RuleAdded(rule=Rule(text=it.rule.text, behavior=to, source=SESSION)))


async def _rewrite(door: Door, rule: Rule, to: Behavior | None) -> None:
    """Change the file: through the editor where it is open there, else on disk, in one step. Raises ClawError."""
    here = door.buffers.get(rule.file)
    if here is not None:
        document = await door.workspace.read(rule.file)
        after = rule_edit.changed(document.text, rule.behavior, rule.text, to)
        change = Change(rule.file, document, minimal_edits(document.text, after))
        await door.workspace.apply(change, f"Claw: {rule.text}")
        if await door.workspace.save((rule.file,)) if door.workspace.can_save else True:
            door.messages.say(INFO, f"The rule is changed in {rule.file}, and counts once you save that file.")
        await door.house.memory.keep_in_step(rule.file, rule.text, to)
    else:
        await door.house.memory.change_rule(rule.file, rule.behavior, rule.text, to)
