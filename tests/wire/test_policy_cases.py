"""The policy against tests/fixtures/security_cases.json: attacks that were really made, and uses that must stay easy.

`min` cases must come out at least as strict as they say, `exact` ones just so. What is not
a question to the policy stands in `ELSEWHERE`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from claw_lsp.core.policy.judge import judge
from claw_lsp.core.policy.offers import offer
from claw_lsp.facts.call import Call
from claw_lsp.facts.fault import ToolError
from claw_lsp.facts.plan import Plan, PlannedPath, Reach
from claw_lsp.facts.rule import Mode, Rule, Verdict
from claw_lsp.facts.scene import Ground, Scene
from claw_lsp.facts.settings import Settings
from claw_lsp.testing.memory_workspace import BufferedWorkspace
from claw_lsp.tools.paths import absolute, named

EVERY: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "fixtures" / "security_cases.json").read_text("utf-8")
)
CASES = [it for it in EVERY if it["kind"] in ("bash", "path", "web")]
"""Those that are a question to the policy; tests/security/test_every_case.py says where the others are."""
STRICTNESS = {"allow": 0, "ask": 1, "deny": 2}
ROOTS, HOME = ("/ws",), "/home/u"
GROUND = Ground(ROOTS, "/ws", HOME)

ELSEWHERE = {
    "P06": "looked at again when it is written: tests/cases/link-swapped-while-asked.case",
    "P21": "no tool makes a plan of it: test_an_unknown_scheme_is_no_path below",
    "W05": "the address that is really connected to is checked: tests/wire/test_web.py",
}
"""Ids that are no question to the policy, and where they are tested."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A case and what the policy said of it."""

    case: dict[str, Any]
    verdict: Verdict

    @property
    def holds(self) -> bool:
        wanted, found = self.case["expected"], self.verdict.decision
        if self.case["cmp"] == "exact":
            return found == wanted
        return STRICTNESS[found] >= STRICTNESS[wanted]


@pytest.mark.parametrize("case", [it for it in CASES if it["id"] not in ELSEWHERE], ids=lambda it: it["id"])
def test_what_was_tried_before_comes_out_as_strict_as_it_must(case: dict[str, Any]) -> None:
    judged = decided(case)
    assert judged.holds, f"{case['why']}: expected {case['expected']}, found {judged.verdict}"


def test_every_case_that_is_tested_elsewhere_is_known() -> None:
    assert {it["id"] for it in CASES} >= set(ELSEWHERE)
    assert len(CASES) == 103


async def test_an_unknown_scheme_is_no_path() -> None:
    """P21: an editor's URI of another machine, which no buffer has, never becomes a path here."""
    (case,) = [it for it in CASES if it["id"] == "P21"]
    scene = Scene("s", "r", "/ws", ROOTS, HOME, Mode.ACCEPT_EDITS, {}, (), Settings())
    with pytest.raises(ToolError, match="is not a path on this machine"):
        await named(case["input"]["path"], scene, BufferedWorkspace())


@pytest.mark.security_case("S06")
@pytest.mark.parametrize(
    "line",
    [
        'curl -H "Authorization: Bearer abc123secret" https://x',
        "python deploy.py --token=abc123",
        "node publish.js --api-key k",
        "git push https://me:pw@example.com/r.git",
        "mysql --password hunter2",
        "make release WITH ghp_abcdef123456",
        "./deploy AKIAIOSFODNN7EXAMPLE",
    ],
)
def test_a_rule_that_holds_a_secret_is_never_offered(line: str) -> None:
    """S06: what is allowed for ever is written into a file."""
    assert offer(command(line)) == ()


@pytest.mark.parametrize(
    ("url", "decision"),
    [
        ("https://docs.python.org/3/", "allow"),
        ("http://localhost:8000/", "ask"),
        ("http://printer/", "ask"),
        ("http://127.1/", "ask"),
        ("http://2130706433/", "ask"),
        ("http://0x7f.0.0.1/", "ask"),
        ("http://10.1.2.3/", "ask"),
        ("http://[::1]/", "ask"),
        ("http://[::ffff:169.254.169.254]/", "ask"),
        ("http://metadata.google.internal/", "ask"),
        ("https://93.184.216.34/", "allow"),
        ("https://evil.example%2f@x/", "ask"),
        ("gopher://docs.python.org/", "deny"),
    ],
)
def test_a_rule_for_every_host_is_no_rule_for_this_machine(url: str, decision: str) -> None:
    rule = Rule(text="WebFetch(domain:*)", behavior="allow")
    assert judge([rule], Mode.DEFAULT, fetch(url), GROUND).decision == decision


def test_a_rule_that_names_a_private_host_covers_that_host() -> None:
    rule = Rule(text="WebFetch(domain:localhost)", behavior="allow")
    assert judge([rule], Mode.DEFAULT, fetch("http://localhost:8000/"), GROUND).decision == "allow"
    assert judge([rule], Mode.DEFAULT, fetch("http://a.localhost/"), GROUND).decision == "ask"


@pytest.mark.parametrize("url", ["https://*/", "https://*.com/", "https://a)b/", "https://[x]/"])
def test_a_host_that_would_be_a_pattern_is_never_offered(url: str) -> None:
    assert offer(fetch(url)) == ()


@pytest.mark.parametrize(
    ("rule", "host", "decision"),
    [
        ("WebFetch(domain:bücher.example)", "xn--bcher-kva.example", "deny"),
        ("WebFetch(domain:evil.example)", "evil。example", "deny"),
        ("WebFetch(domain:evil.example)", "%65vil.example", "ask"),
        ("WebFetch(domain:*.evil.example)", "a.b.evil.example", "deny"),
        ("WebFetch(domain:*.evil.example)", "evil.example", "allow"),
        ("*", "good.example", "deny"),
        ("Web*", "good.example", "deny"),
        ("WebFetch(domain:evil.example", "good.example", "ask"),
    ],
)
def test_a_denied_host_is_denied_however_it_is_spelled(rule: str, host: str, decision: str) -> None:
    rules = [Rule(text=rule, behavior="deny"), Rule(text="WebFetch", behavior="allow")]
    assert judge(rules, Mode.DEFAULT, fetch(f"https://{host}/"), GROUND).decision == decision


def test_find_that_runs_or_deletes_is_covered_by_no_rule() -> None:
    rule = Rule(text="Bash", behavior="allow")
    for line in ("find . -delete", "/usr/bin/find . -delete", "nice find . -fprint x", "command find . -execdir id"):
        assert judge([rule], Mode.DEFAULT, command(line), GROUND).decision == "ask", line


def decided(case: dict[str, Any]) -> Judged:
    rules = [Rule(text=text, behavior=behavior) for behavior, texts in case["rules"].items() for text in texts]
    return Judged(case, judge(rules, Mode(case["mode"]), plan_of(case), GROUND))


def plan_of(case: dict[str, Any]) -> Plan:
    """The plan that a tool would make of a case's input."""
    given = case["input"]
    match case["kind"]:
        case "bash":
            line = given["command"]
            return command(line if isinstance(line, str) else line["repeat"] * line["count"] + line["suffix"])
        case "web":
            return fetch(given.get("redirects_to", given["url"]))
        case kind:
            assert kind == "path"
            return path_plan(given)


def path_plan(given: dict[str, Any]) -> Plan:
    tool = given["tool"]
    if tool == "EnterWorktree":
        return Plan(Call(id="c1", name=tool, input={"name": given["path"]}), Reach.FETCH, "t")
    if tool == "Bash.cwd":
        return Plan(call("Edit"), Reach.EDIT, "t", paths=(PlannedPath("/x", "/x"),))
    names = given["path"].removeprefix("rename ").split(" -> ")
    links = [it.removesuffix(" (missing)").split(" -> ") for it in given.get("fs", [])]
    paths = [it if given.get("os") == "windows" else absolute(it, "/ws", HOME) for it in names]
    reach = Reach.READ if tool == "Read" else Reach.EDIT
    return Plan(call(tool), reach, "t", paths=tuple(PlannedPath(it, target(it, links)) for it in paths))


def target(path: str, links: list[list[str]]) -> str:
    """Where the path leads by these links, and by the one that every process has to the root."""
    for link, to in [*links, ["/proc/self/root", ""]]:
        if path == link or path.startswith(f"{link}/"):
            return to + path[len(link) :]
    return path


def command(line: str) -> Plan:
    return Plan(call("Bash"), Reach.RUN, "t", command=line)


def fetch(url: str) -> Plan:
    return Plan(call("WebFetch"), Reach.FETCH, "t", url=url)


def call(name: str) -> Call:
    return Call(id="c1", name=name, input={})
