"""Every case that is a question to the policy, answered by `claw-lsp permissions check --batch` in folders that are really
there, with the links that the case tells of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from command_line import shell

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "fixtures" / "security_cases.json").read_text("utf-8")
)
STRICTNESS = {"allow": 0, "ask": 1, "deny": 2}
NOT_HERE = {
    "P06": "the link is put there after the answer: tests/cases/link-swapped-while-asked.case",
    "P22": "a message of an editor's, no tool",
    "P24": "the folder of a shell, no tool",
    "W05": "names are resolved when a page is fetched: tests/wire/test_web.py",
}


async def test_every_case_is_decided_as_strictly_on_a_real_disk(tmp_path: Path) -> None:
    cases = [it for it in CASES if it["kind"] in ("bash", "path", "web") and it["id"] not in NOT_HERE]
    lines = [json.dumps(asked(it, Places(tmp_path / it["id"]))) for it in cases]
    batch = tmp_path / "batch.jsonl"
    batch.write_text("\n".join(lines) + "\n")
    ended = await shell(tmp_path).claw("permissions", "check", "--batch", str(batch))
    wrong = [f"{it['id']}: {found}" for it, found in zip(cases, ended.lines, strict=True) if not holds(it, found)]
    assert (wrong, ended.code) == ([], 0)


def holds(case: dict[str, Any], answer: dict[str, Any]) -> bool:
    found = answer.get("decision")
    if case["cmp"] == "exact" or found is None:
        return found == case["expected"]
    return STRICTNESS[found] >= STRICTNESS[case["expected"]]


class Places:
    """The folders of one case: `/ws` and `/home/u` of the table stand for two that are there."""

    def __init__(self, base: Path) -> None:
        self.workspace, self.home = base / "ws", base / "u"
        for folder in ("src", "vendor/sub", ".git/hooks"):
            (self.workspace / folder).mkdir(parents=True)
        for folder in (".ssh", ".aws", "Desktop"):
            (self.home / folder).mkdir(parents=True)

    def of(self, text: str) -> str:
        return text.replace("/home/u", str(self.home)).replace("/ws", str(self.workspace))

    def link(self, told: str) -> None:
        name, target = (Path(self.of(it)) for it in told.removesuffix(" (missing)").split(" -> "))
        name.parent.mkdir(parents=True, exist_ok=True)
        name.symlink_to(target)


def asked(case: dict[str, Any], places: Places) -> dict[str, Any]:
    """The line of a batch that asks for this case."""
    given = case["input"]
    for told in given.get("fs", ()):
        places.link(told)
    match case["kind"]:
        case "bash":
            line = given["command"]
            text = line if isinstance(line, str) else line["repeat"] * line["count"] + line["suffix"]
            tool, call = "Bash", {"command": places.of(text)}
        case "web":
            tool, call = "WebFetch", {"url": given.get("redirects_to", given["url"]), "prompt": "what is it"}
        case _:
            tool = given["tool"]
            call = {"name" if tool == "EnterWorktree" else "file_path": places.of(given["path"])}
    rules = {behavior: [places.of(it) for it in texts] for behavior, texts in case["rules"].items()}
    where = {"cwd": str(places.workspace), "home": str(places.home)}
    return {"tool": tool, "input": call, "mode": case["mode"], "permissions": rules, **where}
