"""Our own security cases, in the form of tests/fixtures/security_cases.json: what must be asked about or refused, and what must
stay easy. Each is answered as `claw-lsp permissions check --batch` does, in folders that are really there.

A case with `effect` was seen to do harm in real bash, and is again, in the sandbox of the fuzz.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fuzz.ground import Ground
from fuzz.policies import HOME, WORKSPACE, Policy
from sandbox_desk import needs_bwrap

from claw_lsp.app.permissions import checked_line
from claw_lsp.app.world import World

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("own_cases.json").read_text("utf-8"))
STRICTNESS = {"allow": 0, "ask": 1, "deny": 2}


@pytest.mark.parametrize("case", CASES, ids=lambda it: it["id"])
def test_it_comes_out_as_strict_as_it_must(case: dict[str, Any], tmp_path: Path) -> None:
    answer = answered(case, tmp_path)
    found, wanted = answer["decision"], case["expected"]
    fits = found == wanted if case["cmp"] == "exact" else STRICTNESS[found] >= STRICTNESS[wanted]
    assert fits, f"{case['why']}: {case['input']}: expected {wanted}, found {answer}"


def test_there_are_enough_of_each_kind() -> None:
    kinds = [it["kind"] for it in CASES]
    assert len(CASES) == len({it["id"] for it in CASES})
    assert {it: kinds.count(it) >= least for it, least in {"bash": 300, "path": 60, "web": 50, "rule": 15}.items()} == (
        dict.fromkeys(("bash", "path", "web", "rule"), True)
    )
    assert sum(it["cmp"] == "exact" and it["expected"] == "allow" for it in CASES) >= 40


@needs_bwrap
def test_the_harm_of_those_marked_is_real() -> None:
    marked = [it["input"]["command"] for it in CASES if it.get("effect")]
    policy = Policy("nothing")
    with Ground(policy) as ground:
        harmless = [
            line for line, it in zip(marked, ground.effects(map(here, marked)), strict=True) if not it.wrong(policy)
        ]
    assert len(marked) >= 100
    assert harmless == []


def here(line: str) -> str:
    """The line with the table's folders put to where the sandbox has them."""
    return line.replace("/home/u", HOME).replace("/ws", WORKSPACE)


def answered(case: dict[str, Any], base: Path) -> dict[str, Any]:
    """What the batch says: `/ws` and `/home/u` of the table stand for two folders that are there."""
    workspace, home, given = base / "ws", base / "u", case["input"]
    for folder in (workspace / "src", workspace / ".git" / "hooks", home / ".ssh"):
        folder.mkdir(parents=True)

    def placed(text: str) -> str:
        return text.replace("/home/u", str(home)).replace("/ws", str(workspace))

    for told in given.get("fs", ()):
        name, target = (Path(placed(it)) for it in told.removesuffix(" (missing)").split(" -> "))
        name.parent.mkdir(parents=True, exist_ok=True)
        name.symlink_to(target)
    match case["kind"]:
        case "bash":
            tool, call = "Bash", {"command": placed(given["command"])}
        case "web":
            tool, call = "WebFetch", {"url": given["url"], "prompt": "what is it"}
        case "path":
            tool, call = given["tool"], {"file_path": placed(given["path"])}
        case kind:
            assert kind == "rule"
            tool, call = given["tool"], given["arguments"]
    rules = {behavior: [placed(it) for it in texts] for behavior, texts in case["rules"].items()}
    where = {"cwd": str(workspace), "home": str(home)}
    line = {"tool": tool, "input": call, "mode": case["mode"], "permissions": rules, **where}
    return checked_line(World({}, str(home), str(home / ".claw"), str(workspace)), json.dumps(line))
