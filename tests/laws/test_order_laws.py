"""Laws of the order in which a call is judged: what is firm, what hooks may, what a child may."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st
from test_policy_laws import GROUND, MANY, MODES, STRICTNESS, change, plans, rules

from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.narrowing import Authority, narrowed
from claw_lsp.core.policy.rules import read, remark
from claw_lsp.facts.hook import HookVerdict
from claw_lsp.facts.plan import Plan
from claw_lsp.facts.rule import Behavior, Mode, Rule

HOOKS = st.builds(HookVerdict, st.sampled_from(["allow", "ask", "deny"])) | st.none()


@given(MANY, MODES, HOOKS, plans())
@example([], Mode.BYPASS, HookVerdict("allow"), change("/ws/.claw/settings.json"))
def test_what_is_firm_by_itself_is_allowed_by_no_rule_mode_or_hook(
    some: list[Rule], mode: Mode, hook: HookVerdict | None, plan: Plan
) -> None:
    if judge([], Mode.BYPASS, plan, GROUND).firm:
        found = judge(some, mode, plan, replace(GROUND, hook=hook))
        assert found.decision == "deny" or (found.decision == "ask" and found.firm)
    if judge([], Mode.DEFAULT, plan, GROUND).firm and mode is not Mode.BYPASS:
        assert judge(some, mode, plan, replace(GROUND, hook=hook)).decision != "allow"


@given(MANY, MODES, HOOKS, plans())
def test_only_questions_are_firm(some: list[Rule], mode: Mode, hook: HookVerdict | None, plan: Plan) -> None:
    found = judge(some, mode, plan, replace(GROUND, hook=hook))
    assert found.decision != "allow" or not found.firm


@given(MANY, MODES, plans())
def test_a_hook_that_allows_never_outvotes_a_deny_or_ask_rule(some: list[Rule], mode: Mode, plan: Plan) -> None:
    strict = [it for it in some if it.behavior != "allow"]
    by_rule = judge(strict, mode, plan, GROUND)
    found = judge(some, mode, plan, replace(GROUND, hook=HookVerdict("allow")))
    if by_rule.rule is not None or by_rule.firm:
        assert found.decision == by_rule.decision


@given(MANY, MODES, st.sampled_from(["ask", "deny"]), plans())
def test_a_hook_that_asks_or_denies_never_makes_it_looser(
    some: list[Rule], mode: Mode, said: Behavior, plan: Plan
) -> None:
    found = judge(some, mode, plan, replace(GROUND, hook=HookVerdict(said)))
    assert STRICTNESS[found.decision] >= STRICTNESS[judge(some, mode, plan, GROUND).decision]
    assert STRICTNESS[found.decision] >= STRICTNESS[said]


@given(MANY, MODES, MANY, MODES, plans())
@example([], Mode.PLAN, [], Mode.DONT_ASK, change("/ws/a.py"))
def test_a_child_is_nowhere_laxer_than_its_parent(
    some: list[Rule], mode: Mode, wished: list[Rule], wished_mode: Mode, plan: Plan
) -> None:
    child = narrowed(Authority(tuple(some), mode), Authority(tuple(wished), wished_mode))
    above = judge(some, mode, plan, GROUND).decision
    assert STRICTNESS[judge(child.rules, child.mode, plan, GROUND).decision] >= STRICTNESS[above]


@given(rules())
def test_a_rule_that_is_no_rule_is_remarked(rule: Rule) -> None:
    said = remark(rule.text, rule.behavior)
    assert said or read(rule.text)
    assert "\n" not in said or "\n" in rule.text


@given(MANY, rules(), MODES, plans())
def test_an_allow_rule_that_cannot_be_read_allows_nothing(some: list[Rule], one: Rule, mode: Mode, plan: Plan) -> None:
    if read(one.text) is None:
        allow = one.model_copy(update={"behavior": "allow"})
        assert judge([*some, allow], mode, plan, GROUND) == judge(some, mode, plan, GROUND)
