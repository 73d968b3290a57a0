"""What one rule means of one plan. Denying and asking look wide, allowing narrow; what cannot be read asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from claw_lsp.core.policy import hosts, patterns, rules, shell
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.rules import Written, of_server, read
from claw_lsp.core.policy.words import Part
from claw_lsp.core.policy.wrappers import inner
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.rule import Rule
from claw_lsp.facts.scene import Ground

Rules = tuple[Rule, ...]

_COVERED_BY = {
    **dict.fromkeys(("Grep", "Glob", "LSP"), "Read"),
    **dict.fromkeys(("Write", "NotebookEdit"), "Edit"),
    "Task": "Agent",
    "Agent": "Task",
    "Monitor": "Bash",
}
_CHANGES = frozenset({"Edit", "Write", "NotebookEdit"})
_MOVES = frozenset({"cd", "pushd", "chdir"})
_GENERAL = "general-purpose"
"""The type of an agent that no type is named for."""


def touches(rule: Rule, every: Rules, plan: Plan, ground: Ground) -> bool | None:
    """Whether a deny or ask rule concerns the plan: True for certain, False when that cannot be told and so it may, None
    not. `every` are the rules in force: a later one of the same source may take paths out again."""
    written = read(rule.text)
    if written is None:
        about = rules.may_mean(rule.text)
        return False if about is None or _concerns_tool(rule, about, plan) else None
    if plan.command is not None and not written.whole and written.tool in ("Read", "Edit"):
        return _touches_files(rule, every, written, plan, ground)
    if plan.command is not None and written.tool == "Cd":
        return _moves_to(rule, every, written, plan.command, ground)
    if not _concerns_tool(rule, written.tool, plan):
        return None
    if written.whole or _has_value(written, plan.call.input):
        return True
    return _spec_touches(rule, every, written, plan, ground)


def allows(rule: Rule, every: Rules, plan: Plan, ground: Ground) -> bool:
    """Whether an allow rule covers a plan that runs no command line."""
    written = read(rule.text)
    if written is None or not _names_tool(written.tool, plan.call.name):
        return False
    if plan.url is not None:
        return _host_allowed(written.spec or "*", plan.url)
    if written.whole:
        return True
    if plan.call.name in ("Agent", "Task"):
        return written.spec == _agent(plan.call.input)
    if plan.call.name == "Skill":
        return _skill_allowed(written.spec or "", plan.call.input)
    named = _named(plan)
    return bool(named) and all(_means(rule, every, written.spec or "", it, ground) for it in named)


def covers(rule: Rule, plan: Plan, part: Part) -> bool:
    """Whether an allow rule covers this part of the plan's command line."""
    written = read(rule.text)
    return written is not None and _names_tool(written.tool, plan.call.name) and shell.covers(written.spec or "*", part)


def shut_out(every: Rules) -> Callable[[str], bool]:
    """Tells of a server's tool whether a deny rule refuses every call of it: the model is not told of such a tool."""
    read_rules = (read(it.text) for it in every if it.behavior == "deny")
    wanted = [it.tool for it in read_rules if it is not None and it.whole]
    return lambda name: any(_reaches(it, name) for it in wanted)


def kept_back(every: Rules, tool: str, ground: Ground) -> Callable[[str], bool]:
    """Tells of a file whether a deny or ask rule about reading means it, so that a search by this tool leaves it out."""
    names = {"read", tool.casefold()}
    strict = [(it, written) for it in every if it.behavior != "allow" and (written := read(it.text))]
    about = [
        (it, written.spec or "") for it, written in strict if written.tool.casefold() in names and not written.whole
    ]
    return lambda path: any(_means(it, every, spec, path, ground) for it, spec in about)


# ---- tools ------------------------------------------------------------------------------------------------------------


def _names_tool(wanted: str, name: str) -> bool:
    """Whether an allow rule's tool is this one; of a server, all its tools or those that a pattern means."""
    if wanted in (name, _COVERED_BY.get(name)):
        return "*" not in wanted
    mine, its = of_server(wanted), of_server(name)
    if mine is None or its is None or its[1] is None or mine[0] != its[0] or "*" in its[1]:
        return False
    return mine[1] is None or ("*" in mine[1] and bool(rules.glob(mine[1]).fullmatch(its[1])))


def _concerns_tool(rule: Rule, wanted: str, plan: Plan) -> bool:
    """Whether a deny or ask rule's tool is the plan's. What may not be read may not be changed, either."""
    name = plan.call.name
    names = {name, _COVERED_BY.get(name, name)}
    if rule.behavior == "deny" and name in _CHANGES:
        names.add("Read")
    return any(_reaches(wanted, it) for it in names)


def _reaches(wanted: str, name: str) -> bool:
    """Whether a deny or ask rule's tool, which may be a pattern or a server, is the one of this name."""
    patterns = (wanted, f"{wanted}__*") if wanted.startswith("mcp__") else (wanted,)
    return any(rules.glob(it.casefold()).fullmatch(name.casefold()) for it in patterns)


# ---- specs ------------------------------------------------------------------------------------------------------------


def _spec_touches(rule: Rule, every: Rules, written: Written, plan: Plan, ground: Ground) -> bool | None:
    spec = written.spec or ""
    if plan.command is not None:
        return True if shell.concerns(spec, plan.command) else None
    if spec.startswith("domain:"):
        host = hosts.host_of(plan.url)
        same = None if host is None else hosts.same(spec.removeprefix("domain:"), host)
        return False if same is None else True if same else None
    if plan.call.name in ("Agent", "Task"):
        return True if spec.casefold() == _agent(plan.call.input).casefold() else None
    if plan.call.name == "Skill":
        return True if _skill_denied(spec, plan.call.input) else None
    if plan.call.name in rules.PATH_TOOLS or plan.paths:
        if not patterns.readable(spec.removeprefix("!")):
            return False
        return True if any(_means(rule, every, spec, path, ground) for path in _named(plan)) else None
    return False if written.parameter is None else None


def _has_value(written: Written, given: dict[str, Any]) -> bool:
    """Whether `Tool(param:value)` is about a field of this input, and its value is that."""
    if written.parameter is None or written.parameter[0] not in given:
        return False
    name, wanted = written.parameter
    value = given[name]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return bool(rules.glob(wanted.strip().casefold()).fullmatch(text.casefold()))


def _agent(given: dict[str, Any]) -> str:
    return str(given.get("subagent_type") or _GENERAL)


def _skill_allowed(spec: str, given: dict[str, Any]) -> bool:
    """`Skill(name)` is that skill with nothing behind it, `Skill(name *)` whatever it is given."""
    name, args = _skill(given)
    wanted = spec.strip().removeprefix("/")
    return name == wanted[:-2] if wanted.endswith((" *", ":*")) else name == wanted and not args


def _skill_denied(spec: str, given: dict[str, Any]) -> bool:
    """A rule that names a skill denies it whatever it is given."""
    name, args = _skill(given)
    wanted = spec.strip().removeprefix("/").casefold()
    pattern = rules.glob(wanted[:-2] if wanted.endswith((" *", ":*")) else wanted)
    return any(pattern.fullmatch(it.casefold()) for it in (name, f"{name} {args}".strip()))


def _skill(given: dict[str, Any]) -> tuple[str, str]:
    return str(given.get("skill") or "").strip().removeprefix("/"), str(given.get("args") or "").strip()


# ---- paths ------------------------------------------------------------------------------------------------------------


def _named(plan: Plan) -> list[str]:
    return [path for it in plan.paths for path in (it.path, it.target)]


def _means(rule: Rule, every: Rules, spec: str, path: str, ground: Ground) -> bool:
    if spec.startswith("!"):
        return False
    return patterns.matches(rule, spec, path, ground) and not patterns.negated(rule, every, path, ground)


def _touches_files(rule: Rule, every: Rules, written: Written, plan: Plan, ground: Ground) -> bool | None:
    """Whether a path rule concerns a file that a command names: True for commands known to read or write what they name,
    False (so that it asks) for others, which may."""
    found = list(shell.files_touched(read_line(plan.command or ""), ground, writing=written.tool == "Edit"))
    linked = plan.writes if written.tool == "Edit" else plan.paths
    found += [(it.target, True) for it in linked if it.target != it.path]
    met = [sure for path, sure in found if _means(rule, every, written.spec or "", path, ground)]
    return any(met) if met else None


def _moves_to(rule: Rule, every: Rules, written: Written, command: str, ground: Ground) -> bool | None:
    """Whether a command line goes to a folder that a rule `Cd(path)` means; False where it cannot be told."""
    targets = list(_folders(inner(read_line(command)), ground))
    if written.whole:
        return True if targets else None
    if any(it is not None and _means(rule, every, written.spec or "", it, ground) for it in targets):
        return True
    return False if None in targets else None


def _folders(parts: Iterable[Part], ground: Ground) -> Iterator[str | None]:
    """Where a line's `cd` lead, absolute; None for one that only the shell knows."""
    for part in parts:
        if part.program in _MOVES:
            words = [it for it in part.words[1:] if not it.text.startswith("-") or it.text == "-"]
            target = words[0] if words else None
            known = target is None or (target.sure and not target.glob and target.text != "-")
            text = target.text if target else ground.home
            if text == "~" or text.startswith("~/"):
                text = ground.home + text[1:]
            yield patterns.normal(text if text.startswith("/") else f"{ground.here}/{text}") if known else None


# ---- hosts ------------------------------------------------------------------------------------------------------------


def _host_allowed(spec: str, url: str) -> bool:
    """Whether an allow rule covers the host; this machine and private networks only where the rule names them."""
    host = hosts.host_of(url)
    if host is None or not (spec == "*" or spec.startswith("domain:")):
        return False
    if hosts.private(host):
        return spec == f"domain:{host}"
    return spec == "*" or bool(hosts.same(spec.removeprefix("domain:"), host))
