"""The one function that decides: rules, mode and plan in, verdict out. Deny beats ask beats allow."""

from __future__ import annotations

import re
from collections.abc import Iterable

from claw_lsp.core.policy import egress, hosts, offers, shell
from claw_lsp.core.policy.paths import governs_agent, inside, protected, secret
from claw_lsp.core.policy.patterns import matches, negated, readable
from claw_lsp.core.policy.reading import Part, read_line
from claw_lsp.facts.plan import Plan, Reach
from claw_lsp.facts.rule import Behavior, Mode, Rule, Verdict
from claw_lsp.facts.scene import Ground

_RULE = re.compile(r"(?P<tool>[A-Za-z_*][\w*-]*)(?:\((?P<spec>.*)\))?", re.DOTALL)
_PATTERN = re.compile(r"[\[\]*?!\\\n]")
"""What would make a pattern of a folder's name."""
_COVERED_BY = {"Grep": "Read", "Glob": "Read", "Write": "Edit", "NotebookEdit": "Edit"}
_PATH_TOOLS = frozenset({"Read", "Edit", "Grep", "Glob", "Write", "NotebookEdit"})


def judge(rules: Iterable[Rule], mode: Mode, plan: Plan, ground: Ground) -> Verdict:
    """What is to happen to the plan. Pure: everything it needs of the world stands in the plan.

    In the mode dontAsk a question is a deny. Else:
    first what denies (rules, plan mode), then what asks (rules, those deny rules that cannot be told not to mean this,
    what always asks), then what allows (what is free, bypass, rules, acceptEdits), and else the person. A command that
    names what lies elsewhere is allowed by no rule. The order of the rules means nothing.
    """
    verdict = _decided(tuple(rules), mode, plan, ground)
    asks = verdict.decision == "ask" or plan.reach is Reach.PERSON
    if mode is not Mode.DONT_ASK or verdict.decision == "deny" or not asks:
        return verdict
    why = verdict.reason if verdict.decision == "ask" else "it asks the person"
    return verdict.model_copy(update={"decision": "deny", "reason": f"{why}, and the mode dontAsk asks nobody"})


def _decided(rules: tuple[Rule, ...], mode: Mode, plan: Plan, ground: Ground) -> Verdict:
    if denied := _denied(rules, mode, plan, ground):
        return denied
    for rule in rules:
        if rule.behavior != "allow" and (touches := _touches(rule, rules, plan, ground)) is not None:
            return _by_rule("ask", rule) if touches else _unread(rule)
    always = _always_asked(mode, plan)
    if always:
        return Verdict(decision="ask", reason=always)
    if sends := egress.asked(rules, mode, plan, ground):
        return Verdict(decision="ask", reason=sends, firm=True)
    if plan.reach in (Reach.NOTHING, Reach.PERSON):
        return Verdict(
            decision="allow",
            reason="it changes only the session" if plan.reach is Reach.NOTHING else "it asks the person itself",
        )
    if mode is Mode.BYPASS:
        return Verdict(decision="allow", reason="the mode is bypassPermissions")
    if plan.command is not None:
        return _of_line(rules, mode, plan, ground.roots)
    for rule in rules:
        if rule.behavior == "allow" and _allowed_by(rule, plan, ground):
            return _by_rule("allow", rule)
    return _by_reach(mode, plan, ground.roots)


def named_by_person(rules: Iterable[Rule], mode: Mode, plan: Plan, ground: Ground) -> Verdict:
    """As `judge`, of reading a file that the person named in a prompt: that is their yes, wherever the file lies. What a
    rule denies or asks for stays so; what may hold secrets needs an allow rule, too, since prompts are often pasted."""
    rules = tuple(rules)
    verdict = judge(rules, mode, plan, ground)
    if verdict.decision != "ask" or verdict.rule is not None:
        return verdict
    if _always_asked(mode, plan):
        allowing = next((it for it in rules if it.behavior == "allow" and _allowed_by(it, plan, ground)), None)
        return _by_rule("allow", allowing) if allowing else verdict
    return Verdict(decision="allow", reason="the person named it")


def _of_line(rules: tuple[Rule, ...], mode: Mode, plan: Plan, roots: tuple[str, ...]) -> Verdict:
    """What the rules say of a command that nothing denied: each of its parts only reads, or a rule allows it."""
    line = read_line(plan.command or "")
    if line.unread:
        return Verdict(decision="ask", reason=f"{line.unread}, so no rule covers it")
    if named := shell.elsewhere(line, roots):
        return Verdict(decision="ask", reason=named)
    if (written := shell.written_to(line)) is not None:
        return Verdict(decision="ask", reason=f"it writes to {written}")
    if not all(inside(it.target, roots) and not secret(it.target) for it in plan.paths):
        return Verdict(decision="ask", reason="it reads what lies outside the workspace, or may hold secrets")
    asked = shell.parts_asked(line)
    if mode is Mode.PLAN and asked:
        return Verdict(decision="ask", reason="plan mode is on, and a command may change something")
    if not asked:
        return Verdict(decision="allow", reason="it only reads inside the workspace")
    used: list[Rule] = []
    for part in asked:
        rule = next((it for it in rules if it.behavior == "allow" and _covers(it, plan, part)), None)
        if rule is None:
            which = f" {part.text}" if len(line.parts) > 1 else " it"
            return Verdict(decision="ask", reason=f"no rule decides{which}")
        used.append(rule)
    others = "".join(f", and {it.text} from {it.source}" for it in dict.fromkeys(used[1:]) if it != used[0])
    verdict = _by_rule("allow", used[0])
    return verdict.model_copy(update={"reason": verdict.reason + others})


def _covers(rule: Rule, plan: Plan, part: Part) -> bool:
    tool, spec = _parsed(rule)
    return tool == plan.call.name and shell.covers(spec or "*", part)


def offer(plan: Plan) -> str | None:
    """The rule that *Always allow* would add for plans like this one; None where there is none to offer."""
    match plan.reach:
        case Reach.RUN:
            return offers.offered(plan.command or "")
        case Reach.FETCH:
            if plan.url is None:
                return plan.call.name
            host = hosts.host_of(plan.url)
            return f"{plan.call.name}(domain:{host})" if host else None
        case Reach.READ:
            folder = _common_folder(plan)
            secrets = any(secret(it.path) or secret(it.target) for it in plan.paths)
            readable = folder and not _PATTERN.search(folder)
            return f"Read(//{folder.lstrip('/')}/**)" if folder and readable and not secrets else None
        case Reach.EDIT | Reach.NOTHING | Reach.PERSON:
            return None


def _by_rule(decision: Behavior, rule: Rule) -> Verdict:
    return Verdict(decision=decision, rule=rule.text, reason=f"the {rule.behavior} rule {rule.text} from {rule.source}")


def _unread(rule: Rule) -> Verdict:
    """Of a rule that may mean this plan or not."""
    reason = f"the {rule.behavior} rule {rule.text} from {rule.source} cannot be read by this version; so it asks"
    return Verdict(decision="ask", rule=rule.text, reason=reason)


def _denied(rules: tuple[Rule, ...], mode: Mode, plan: Plan, ground: Ground) -> Verdict | None:
    """What is refused without a question: no ask rule and no yes comes before it."""
    for rule in rules:
        if rule.behavior == "deny" and _touches(rule, rules, plan, ground):
            return _by_rule("deny", rule)
    if plan.url is not None and not hosts.fetchable(plan.url):
        return Verdict(decision="deny", reason="only http and https addresses are fetched")
    if mode is Mode.PLAN and plan.reach is Reach.EDIT:
        reason = "plan mode is on: nothing is changed until the plan is approved (ExitPlanMode)"
        return Verdict(decision="deny", reason=reason)
    return None


def _always_asked(mode: Mode, plan: Plan) -> str | None:
    """Why the person is asked whatever the rules allow; None where they need not be."""
    named = [path for it in plan.paths for path in (it.path, it.target)]
    if plan.reach is Reach.EDIT:
        if any(map(governs_agent, named)):
            return "it changes what this agent may do"
        if mode is not Mode.BYPASS and any(map(protected, named)):
            return "it changes a protected file"
    if plan.reach is Reach.RUN and shell.deletes(plan.command or ""):
        return "it deletes files"
    if mode is not Mode.BYPASS and plan.reach is Reach.READ and any(map(secret, named)):
        return "the file may hold secrets"
    return None


def _by_reach(mode: Mode, plan: Plan, roots: tuple[str, ...]) -> Verdict:
    within = all(inside(it.path, roots) and inside(it.target, roots) for it in plan.paths)
    if plan.reach is Reach.READ:
        if within:
            return Verdict(decision="allow", reason="it reads inside the workspace")
        return Verdict(decision="ask", reason="it reads outside the workspace")
    if plan.reach is Reach.EDIT and mode is Mode.ACCEPT_EDITS and within:
        return Verdict(decision="allow", reason="the mode is acceptEdits")
    if plan.reach is Reach.EDIT and not within:
        return Verdict(decision="ask", reason="it changes a file outside the workspace")
    return Verdict(decision="ask", reason="no rule decides it")


def _touches(rule: Rule, rules: tuple[Rule, ...], plan: Plan, ground: Ground) -> bool | None:
    """Whether a deny or ask rule concerns the plan: True for certain, False when it cannot be read and so may, None not."""
    tool, spec = _parsed(rule)
    if tool is None:
        return False if rule.behavior == "deny" else None
    if plan.command is not None and tool in ("Read", "Edit") and spec is not None:
        return _touches_files(rule, rules, spec, plan.command, ground)
    if not _same_tool(tool, plan.call.name):
        return None
    if spec is None or spec == "*":
        return True
    if plan.command is not None:
        return True if shell.concerns(spec, plan.command) else None
    if spec.startswith("domain:"):
        host = hosts.host_of(plan.url)
        return False if host is None else True if _same_host(spec, host) else None
    if plan.call.name in _PATH_TOOLS or plan.paths:
        if not readable(spec):
            return False
        named = [path for it in plan.paths for path in (it.path, it.target)]
        return True if any(_means(rule, rules, spec, path, ground) for path in named) else None
    return False


def _touches_files(rule: Rule, rules: tuple[Rule, ...], spec: str, command: str, ground: Ground) -> bool | None:
    """Whether a path rule concerns a file that a command names: True for commands known to read or write what they name,
    False (so that it asks) for others, which may."""
    reads = rule.text.startswith("Read")
    found = shell.files_touched(read_line(command), ground, writing=not reads)
    met = [sure for path, sure in found if _means(rule, rules, spec, path, ground)]
    return any(met) if met else None


def _means(rule: Rule, rules: tuple[Rule, ...], spec: str, path: str, ground: Ground) -> bool:
    if spec.startswith("!"):
        return False
    return matches(rule, spec, path, ground) and not negated(rule, rules, path, ground)


def _allowed_by(rule: Rule, plan: Plan, ground: Ground) -> bool:
    tool, spec = _parsed(rule)
    if tool is None or not (tool == plan.call.name or _COVERED_BY.get(plan.call.name) == tool):
        return False
    if plan.url is not None:
        return _host_allowed(spec or "*", plan.url)
    if spec is None or spec == "*":
        return True
    named = [path for it in plan.paths for path in (it.path, it.target)]
    return bool(named) and not spec.startswith("!") and all(matches(rule, spec, it, ground) for it in named)


def _parsed(rule: Rule) -> tuple[str | None, str | None]:
    found = _RULE.fullmatch(rule.text.strip())
    return (found["tool"], found["spec"]) if found else (None, None)


def _same_tool(wanted: str, name: str) -> bool:
    if wanted.endswith("*"):
        return name.startswith(wanted[:-1])
    return wanted in (name, _COVERED_BY.get(name)) or (wanted == "Read" and name in ("Edit", "Write", "NotebookEdit"))


def _host_allowed(spec: str, url: str) -> bool:
    """Whether an allow rule covers the host; this machine and private networks only where the rule names them."""
    host = hosts.host_of(url)
    if host is None or not (spec == "*" or spec.startswith("domain:")):
        return False
    if hosts.private(host):
        return spec == f"domain:{host}"
    return spec == "*" or _same_host(spec, host)


def _same_host(spec: str, host: str) -> bool:
    """Whether `domain:` and a host, `*.` and its end, or `*` alone mean this host."""
    wanted = spec.removeprefix("domain:").strip()
    if wanted == "*":
        return True
    named = hosts.written(wanted.removeprefix("*."))
    return named is not None and (host.endswith(f".{named}") if wanted.startswith("*.") else host == named)


def _common_folder(plan: Plan) -> str | None:
    folders = {it.path.rsplit("/", 1)[0] for it in plan.paths}
    return folders.pop() if len(folders) == 1 else None
