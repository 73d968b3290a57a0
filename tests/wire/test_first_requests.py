"""The exact first request of every action, as the provider gets it: system and tools once, the messages of each.

`pytest tests/wire/test_first_requests.py --update-cases` writes tests/golden/requests anew; read what it wrote.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from door_desk import Json, visiting

from claw_lsp.testing.scripted_model import says

GOLDEN = Path(__file__).parent.parent / "golden" / "requests"
CALC = "import json\n\n\ndef total(items):\n    return sum(it.prcie for it in items)\n"
DIAGNOSTIC = {
    "range": {"start": {"line": 4, "character": 18}, "end": {"line": 4, "character": 23}},
    "message": "No prcie",
}

ACTIONS: dict[str, Json] = {
    "claw.ask": {"prompt": "What is this for?"},
    "claw.edit": {"prompt": "Rename it to price."},
    "claw.fix": {"diagnostics": [{**DIAGNOSTIC, "severity": 1, "source": "pyright"}]},
    "claw.explain": {},
    "claw.tests": {},
    "claw.document": {},
    "claw.refactor": {},
    "claw.review": {},
    "claw.init": {},
    "claw.commitMessage": {},
}
WITHOUT_PLACE = ("claw.init", "claw.commitMessage")


@pytest.mark.parametrize("command", ACTIONS)
async def test_the_first_request_of_an_action_is_this(
    tmp_path: Path, command: str, request: pytest.FixtureRequest
) -> None:
    if command == "claw.commitMessage":
        staged(tmp_path / "ws")
    async with visiting(tmp_path, says("Done.")) as visit:
        visit.open("calc.py", CALC, on_disk=CALC)
        at = visit.editor.range(visit.path("calc.py"), CALC.index("    return"), len(CALC) - 1)
        place = {} if command in WITHOUT_PLACE else {"uri": visit.uri("calc.py"), "range": at}
        await visit.turn(command, **place, **ACTIONS[command])
        sent = plain(asdict(visit.model.requests[0]), tmp_path)
    messages = sent.pop("messages")
    update = request.config.getoption("--update-cases")
    compare(GOLDEN / "system_and_tools.json", sent, update=update)
    compare(GOLDEN / f"{command.removeprefix('claw.')}.json", messages, update=update)


def staged(folder: Path) -> None:
    """A repository whose first commit is about to be made."""
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("one\n")
    for words in (("init", "-q", "-b", "main"), ("add", "notes.txt")):
        subprocess.run(("git", "-C", str(folder), *words), check=True)


def compare(path: Path, found: Any, *, update: bool) -> None:
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), f"{path.name} is not what is sent; --update-cases writes it anew"


def plain(sent: Any, tmp_path: Path) -> Any:
    """The request without what differs from one machine and day to the next."""
    text = json.dumps(sent, ensure_ascii=False)
    for folder, name in ((tmp_path / "ws", "/ws"), (tmp_path / "home", "/home/u"), (tmp_path, "/tmp")):
        text = text.replace(str(folder), name)
    for label in ("date", "system", "shell"):
        text = re.sub(rf"(- {label}: )[^\\]*", rf"\1({label})", text)
    return json.loads(text)
