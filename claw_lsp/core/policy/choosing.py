"""What a person may answer to a call that is asked about, and the rules that an answer would add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from claw_lsp.core.policy import alike
from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.offers import MOST_RULES, offer
from claw_lsp.facts.plan import Choice, Plan, Reach
from claw_lsp.facts.question import ALWAYS, DENY, EACH, NEVER, ONCE, SESSION
from claw_lsp.facts.rule import Mode, Rule, Verdict
from claw_lsp.facts.scene import Ground

OFTEN = 3
"""After how many same answers a rule is offered by itself."""
Habits = Mapping[str, tuple[str, int]]
"""By rule: what was last answered where it would have been an answer, and how often in a row."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What calls are judged by now."""

    rules: tuple[Rule, ...]
    mode: Mode
    ground: Ground
    habits: Habits


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked about, with which words, what may be chosen, and the rules that *Always* would add."""

    plan: Plan
    detail: str
    choices: tuple[Choice, ...]
    rules: tuple[str, ...]


def about_one(plan: Plan, verdict: Verdict, standing: Standing) -> Asking:
    """What is always asked, or asked by a rule, is allowed once at the most."""
    rules = _offered(plan, verdict, standing)
    choices = [Choice(ONCE, "Allow once"), *_wider(plan, verdict, rules, standing)]
    because = f"Asked because {verdict.reason}."
    match habit(standing.habits, rules):
        case "allow":
            choices.sort(key=lambda it: it.key != ALWAYS)
            because += f" You allowed this {OFTEN} times."
        case "deny":
            choices.insert(0, Choice(NEVER, f"Always deny {', '.join(rules)}"))
            because += f" You denied this {OFTEN} times."
        case _:
            pass
    detail = f"{plan.detail}\n\n{because}" if plan.detail else because
    return Asking(plan, detail, (Choice(DENY, "Deny"), *choices), rules)


def about_many(plans: Sequence[Plan], verdict: Verdict, standing: Standing) -> Asking:
    """About calls that are asked about for the same reason; every plan stands in it whole."""
    offered = [_offered(it, verdict, standing) for it in plans]
    rules = tuple(dict.fromkeys(rule for some in offered for rule in some))
    rules = rules if all(offered) and len(rules) <= MOST_RULES else ()
    all_of_it = replace(
        plans[0],
        title=alike.title(plans),
        detail="\n\n".join(f"{it.title}\n{it.detail}".strip() for it in plans),
        paths=tuple(dict.fromkeys(path for it in plans for path in it.paths)),
        changes=tuple(change for it in plans for change in it.changes),
        command=None,
    )
    wider = _wider(plans[0], verdict, rules, standing)
    these = Choice(ONCE, f"Allow these {len(plans)}")
    choices = (Choice(DENY, "Deny all"), these, *wider, Choice(EACH, "One by one"))
    return Asking(all_of_it, f"{all_of_it.detail}\n\nAsked because {verdict.reason}.", choices, rules)


def habit(habits: Habits, rules: tuple[str, ...]) -> str | None:
    """What was answered often enough where these rules would have been an answer: "allow", "deny", or None."""
    found = {habits.get(it, ("", 0)) for it in rules}
    same = {answer for answer, _ in found}
    return same.pop() if len(same) == 1 and min(n for _, n in found) >= OFTEN else None


def _wider(plan: Plan, verdict: Verdict, rules: tuple[str, ...], standing: Standing) -> tuple[Choice, ...]:
    """The answers that hold for more than this call, where they would change anything."""
    if plan.reach is Reach.EDIT:
        would = judge((), Mode.ACCEPT_EDITS, plan, standing.ground)
        free = verdict.rule is None and standing.mode is Mode.DEFAULT and would.decision == "allow"
        return (Choice(SESSION, "Allow edits for this session"),) if free else ()
    if not rules:
        return ()
    return Choice(SESSION, "Allow for this session"), Choice(ALWAYS, f"Always allow {', '.join(rules)}")


def _offered(plan: Plan, verdict: Verdict, standing: Standing) -> tuple[str, ...]:
    """The rules that would allow this: tried on the policy itself."""
    if verdict.rule:
        return ()
    texts = offer(plan, standing.rules)
    more = tuple(Rule(text=it, behavior="allow") for it in texts)
    return texts if judge((*standing.rules, *more), standing.mode, plan, standing.ground).decision == "allow" else ()
