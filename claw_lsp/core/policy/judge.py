"""The one function that decides: rules, mode and plan in, verdict out. What a rule means stands in matching.py."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from claw_lsp.core.policy import deletes, egress, hosts, notes, searching, shell, worktrees, writes
from claw_lsp.core.policy.matching import allows, covers, touches
from claw_lsp.core.policy.paths import governs_agent, inside, protected, secret
from claw_lsp.core.policy.reading import read_line
from claw_lsp.core.policy.words import START, Line, Part
from claw_lsp.facts.call import Call
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.rule import Behavior, Mode, Rule, Verdict
from claw_lsp.facts.scene import Ground

_SCHEDULES = frozenset({"CronCreate", "CronDelete"})
"""Tools that change what the agent does later by itself."""
_UNDECIDED = "no rule decides it"


def judge(rules: Iterable[Rule], mode: Mode, plan: Plan, ground: Ground) -> Verdict:
    """What is to happen to the plan. Pure: everything it needs of the world stands in the plan and the ground.

    The first of these that has something to say:
    what denies (a hook, a deny rule, what is never done, plan mode for an edit);
    what asks whatever is allowed elsewhere, and only a person answers (an ask rule, a deny rule that cannot be told not to
    mean this, a hook, a tool that is a question itself, the floor of `_always_asked`);
    what allows (bypass, a hook, a sandbox, what only reads, rules, acceptEdits).
    Else the person is asked. A command that names what lies elsewhere is allowed by no rule. Where the mode asks nobody, a
    question is a deny. The order of the rules means nothing.
    """
    verdict = _decided(tuple(rules), mode, plan, ground)
    if mode is not Mode.DONT_ASK or verdict.decision != "ask":
        return verdict
    reason = f"{verdict.reason}, and the mode dontAsk asks nobody"
    return verdict.model_copy(update={"decision": "deny", "reason": reason})


def _decided(rules: tuple[Rule, ...], mode: Mode, plan: Plan, ground: Ground) -> Verdict:
    if verdict := _denied(rules, mode, plan, ground) or _asked(rules, mode, plan, ground):
        return verdict
    if plan.reach is Reach.NOTHING:
        return Verdict(decision="allow", reason="it changes only the session")
    if mode is Mode.BYPASS:
        return Verdict(decision="allow", reason="the mode is bypassPermissions")
    if ground.hook and ground.hook.decision == "allow" and (mode is not Mode.PLAN or plan.reach is Reach.READ):
        return Verdict(decision="allow", source="hook", reason=_by_hook("allows", ground.hook.reason))
    if plan.enclosed and mode is not Mode.PLAN:
        return Verdict(decision="allow", reason=f"it runs in a sandbox ({plan.walls.mechanism})")
    if plan.command is not None:
        return _of_line(rules, mode, plan, ground)
    for rule in rules:
        if rule.behavior == "allow" and allows(rule, rules, plan, ground):
            if mode is Mode.PLAN and plan.reach is Reach.FETCH and plan.call.name.startswith("mcp__"):
                return Verdict(decision="ask", reason="plan mode is on, and this tool may change something")
            return _by_rule("allow", rule)
    return _by_reach(mode, plan, ground)


def named_by_person(rules: Iterable[Rule], mode: Mode, plan: Plan, ground: Ground) -> Verdict:
    """As `judge`, of reading a file that the person named in a prompt: that is their yes, wherever the file lies. What a
    rule denies or asks for stays so; what may hold secrets needs an allow rule, too, since prompts are often pasted."""
    rules = tuple(rules)
    verdict = judge(rules, mode, plan, ground)
    if verdict.decision != "ask" or verdict.rule is not None or ground.hook:
        return verdict
    if _always_asked(mode, plan, ground):
        allowing = next((it for it in rules if it.behavior == "allow" and allows(it, rules, plan, ground)), None)
        return _by_rule("allow", allowing) if allowing else verdict
    return Verdict(decision="allow", reason="the person named it")


def _of_line(rules: tuple[Rule, ...], mode: Mode, plan: Plan, ground: Ground) -> Verdict:
    """What the rules say of a command that nothing denied: each of its parts only reads, or a rule allows it, and each file
    that it sends its output to may be changed."""
    line = shell.read_at(plan.command or "", ground)
    if line.unread:
        return Verdict(decision="ask", reason=f"{line.unread}, so no rule covers it")
    if named := shell.elsewhere(line, ground.roots):
        return Verdict(decision="ask", reason=named)
    uses = tuple(writes.redirected(line, ground))
    for it in uses:
        if (verdict := of_use(rules, mode, plan, it, ground)).decision != "allow":
            return verdict
    if (unseen := writes.below_moved(line, ground)) is not None:
        return Verdict(decision="ask", reason=f"it uses {unseen} below what it moves there itself")
    judged = {place for it in uses for place in it.places}
    looked_at = [it for it in plan.paths if it.path not in judged]
    if not all(inside(it.target, ground.roots) and not secret(it.target) for it in looked_at):
        return Verdict(decision="ask", reason="it reads what lies outside the workspace, or may hold secrets")
    asked = shell.parts_asked(line)
    if mode is Mode.PLAN and asked:
        return Verdict(decision="ask", reason="plan mode is on, and a command may change something")
    verdicts = [of_part(rules, mode, plan, it, ground) for it in asked]
    for part, verdict in zip(asked, verdicts, strict=True):
        if verdict.decision != "allow":
            which = f" {part.text}" if len(line.parts) > 1 else " it"
            reason = f"no rule decides{which}" if verdict.reason == _UNDECIDED else verdict.reason
            return verdict.model_copy(update={"reason": reason})
    if not verdicts:
        changes_files = any(it.writes for it in uses)
        said = (
            "it only reads, and may change what it writes to" if changes_files else "it only reads inside the workspace"
        )
        return Verdict(decision="allow", reason=said)
    first = next((it for it in verdicts if it.rule), verdicts[0])
    others = dict.fromkeys(it.reason.removeprefix("the allow rule ") for it in verdicts if it.reason != first.reason)
    return first.model_copy(update={"reason": first.reason + "".join(f", and {it}" for it in others)})


def of_part(rules: tuple[Rule, ...], mode: Mode, plan: Plan, part: Part, ground: Ground) -> Verdict:
    """What is said of one command of a line that was read whole, by itself."""
    if not shell.parts_asked(Line((part,))):
        return Verdict(decision="allow", reason="it only reads inside the workspace")
    if part.folders != START and any(it.rsplit("/", 1)[-1] == "git" for it in part.texts):
        return Verdict(decision="ask", reason="it goes to another folder and runs git there, by that folder's settings")
    rule = next((it for it in rules if it.behavior == "allow" and covers(it, plan, part)), None)
    if rule is not None:
        return _by_rule("allow", rule)
    changed = writes.simple(part, ground) if mode is Mode.ACCEPT_EDITS else None
    for it in changed or ():
        if (verdict := of_use(rules, mode, plan, it, ground)).decision != "allow":
            return verdict
    if changed:
        return Verdict(decision="allow", reason="the mode is acceptEdits")
    return Verdict(decision="ask", reason=_UNDECIDED)


def part_alone(rules: tuple[Rule, ...], mode: Mode, plan: Plan, part: Part, ground: Ground) -> Verdict:
    """What would be said of a line that is this one part, in the folder where the part runs; denials and floors too."""
    alone = replace(plan, command=part.text, reach=Reach.RUN)
    if verdict := _denied(rules, mode, alone, ground) or _asked(rules, mode, alone, ground):
        return verdict
    if mode is Mode.BYPASS:
        return Verdict(decision="allow", reason="the mode is bypassPermissions")
    if named := shell.elsewhere(Line((part,)), ground.roots):
        return Verdict(decision="ask", reason=named)
    return of_part(rules, mode, plan, part, ground)


def of_use(rules: tuple[Rule, ...], mode: Mode, plan: Plan, use: writes.Use, ground: Ground) -> Verdict:
    """What is said of a file that a line reads its input from or writes to: as of a call of Read or Edit."""
    does = f"it writes to {use.said}" if use.writes else f"it reads {use.said}"
    if not use.places:
        return Verdict(decision="ask", reason=f"{does}, and where that leads is only known when it runs")
    if use.writes and mode is Mode.PLAN:
        return Verdict(decision="ask", reason=f"plan mode is on, and {does}")
    leads = {it.path: it for it in (plan.writes if use.writes else plan.paths)}
    tool, reach = ("Edit", Reach.EDIT) if use.writes else ("Read", Reach.READ)
    for place in use.places:
        if place.startswith("/dev/"):
            return Verdict(decision="ask", reason=f"{does}, which is a device")
        call = Call(id=plan.call.id, name=tool, input={"file_path": place})
        as_tool = Plan(call, reach, tool, paths=(leads.get(place, PlannedPath(place, place)),))
        verdict = _decided(rules, mode, as_tool, replace(ground, hook=None))
        if verdict.decision != "allow":
            return verdict.model_copy(update={"reason": f"{does}: {verdict.reason}"})
    return Verdict(decision="allow", reason=f"{does}, which is allowed")


def _by_rule(decision: Behavior, rule: Rule) -> Verdict:
    reason = f"the {rule.behavior} rule {rule.text} from {rule.source}"
    return Verdict(decision=decision, rule=rule.text, source=rule.file or rule.source, reason=reason)


def _unread(rule: Rule) -> Verdict:
    """Of a rule that may mean this plan or not."""
    reason = f"the {rule.behavior} rule {rule.text} from {rule.source} cannot be read by this version; so it asks"
    return _by_rule("ask", rule).model_copy(update={"reason": reason, "firm": True})


def _by_hook(does: str, reason: str) -> str:
    return f"a hook {does} it: {reason}" if reason else f"a hook {does} it"


def _denied(rules: tuple[Rule, ...], mode: Mode, plan: Plan, ground: Ground) -> Verdict | None:
    """What is refused without a question: no ask rule and no yes comes before it."""
    if ground.hook and ground.hook.decision == "deny":
        return Verdict(decision="deny", source="hook", reason=_by_hook("denies", ground.hook.reason))
    for rule in rules:
        if rule.behavior == "deny" and touches(rule, rules, plan, ground):
            return _by_rule("deny", rule)
    if ground.reads_inside and (named := _read_outside(plan, ground)):
        reason = f"it reads {named}, and the settings block reads outside of the workspace folders"
        return Verdict(decision="deny", reason=reason)
    if plan.url is not None and not hosts.fetchable(plan.url):
        return Verdict(decision="deny", reason="only http and https addresses are fetched")
    if plan.call.name == "EnterWorktree" and (why := worktrees.refused(plan.call.input)):
        return Verdict(decision="deny", reason=why)
    if mode is Mode.PLAN and plan.reach is Reach.EDIT:
        reason = "plan mode is on: nothing is changed until the plan is approved (ExitPlanMode)"
        return Verdict(decision="deny", reason=reason)
    return None


def _read_outside(plan: Plan, ground: Ground) -> str:
    """A file that the plan reads and that lies in no root, as far as the plan tells; "" for none. What a tool's result was put
    into is the session's own."""
    if plan.reach not in (Reach.READ, Reach.RUN):
        return ""
    roots = (*ground.roots, f"{ground.claw_home}/output") if ground.claw_home else ground.roots
    read = (it for it in plan.paths if not it.path.startswith("/dev/"))
    return next((it.path for it in read if not (inside(it.path, roots) and inside(it.target, roots))), "")


def _asked(rules: tuple[Rule, ...], mode: Mode, plan: Plan, ground: Ground) -> Verdict | None:
    """What only a person answers, in every mode that asks and whatever was allowed."""
    for rule in rules:
        if rule.behavior != "allow" and (sure := touches(rule, rules, plan, ground)) is not None:
            return _by_rule("ask", rule).model_copy(update={"firm": True}) if sure else _unread(rule)
    if ground.hook and ground.hook.decision == "ask":
        return Verdict(decision="ask", source="hook", reason=_by_hook("asks about", ground.hook.reason), firm=True)
    if plan.reach is Reach.PERSON:
        return Verdict(decision="ask", reason="it asks the person itself", firm=True)
    always = _always_asked(mode, plan, ground) or egress.asked(rules, mode, plan, ground)
    always = always or searching.asked(rules, mode, plan, ground)
    return Verdict(decision="ask", reason=always, firm=True) if always else None


def _is_file(it: PlannedPath) -> bool:
    """By its name, as files of ours have it: folders of ours hold what other sessions were answered, too."""
    return "." in it.path.rpartition("/")[2]


def _within(plan: Plan, folders: tuple[str, ...]) -> bool:
    return all(inside(it.path, folders) and inside(it.target, folders) for it in plan.paths)


def _always_asked(mode: Mode, plan: Plan, ground: Ground) -> str | None:
    """The floor: why the person is asked whatever the rules allow; None where they need not be."""
    if plan.reach is Reach.EDIT and (why := changes(mode, plan.paths, ground)):
        return why
    if plan.asks or (plan.unlike and mode is not Mode.BYPASS):
        return plan.asks or plan.unlike
    if plan.call.name in _SCHEDULES:
        return "it changes what this agent does later by itself"
    if plan.breaks_out:
        return "it is to run outside of the sandbox"
    if plan.command is not None and (why := _of_every_line(mode, plan, plan.command, ground)):
        return why
    named = [path for it in plan.paths for path in (it.path, it.target)]
    if mode is not Mode.BYPASS and plan.reach is Reach.READ and any(map(secret, named)):
        return "the file may hold secrets"
    return None


def _of_every_line(mode: Mode, plan: Plan, command: str, ground: Ground) -> str | None:
    """The floor under commands: deletes that nothing brings back, and changes of protected files, as far as words tell."""
    line = read_line(command)
    leads = {it.path: it for it in plan.writes}
    touched = [leads.get(it, PlannedPath(it, it)) for it in writes.touched(line, ground)]
    if why := deletes.critical(command, ground):
        return why
    if plan.enclosed:
        # What is protected cannot be changed in there, so a yes would change nothing.
        return None
    if why := changes(mode, touched, ground):
        return why
    if line.unread and any(governs_agent(it) for it in shell.names_said(command)):
        return f"it may change what this agent may do, and {line.unread}"
    return None


def changes(mode: Mode, paths: Iterable[PlannedPath], ground: Ground) -> str | None:
    """Why changing these files is asked about whatever is allowed; None where it need not be. What says what the agent
    may do is asked about in every mode, other protected files in all but bypassPermissions."""
    named = [path for it in paths for path in (it.path, it.target)]
    if any(governs_agent(it, ground.claw_home, ground.notes) for it in named):
        return "it changes what this agent may do"
    if mode is not Mode.BYPASS and any(map(protected, named)):
        return "it changes a protected file"
    return None


def _by_reach(mode: Mode, plan: Plan, ground: Ground) -> Verdict:
    within = _within(plan, ground.roots)
    if plan.reach is Reach.READ:
        if within:
            return Verdict(decision="allow", reason="it reads inside the workspace")
        if _within(plan, notes.readable(ground)):
            return Verdict(decision="allow", reason="it reads its own notes")
        if ground.claw_home and _within(plan, (f"{ground.claw_home}/output",)) and all(map(_is_file, plan.paths)):
            return Verdict(decision="allow", reason="it reads what a call had too much of to be shown")
        return Verdict(decision="ask", reason="it reads outside the workspace")
    if plan.reach is Reach.EDIT and mode is Mode.ACCEPT_EDITS and within:
        return Verdict(decision="allow", reason="the mode is acceptEdits")
    if plan.reach is Reach.EDIT and not within:
        return Verdict(decision="ask", reason="it changes a file outside the workspace")
    return Verdict(decision="ask", reason=_UNDECIDED)
