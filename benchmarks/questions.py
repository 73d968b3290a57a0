"""`python -m benchmarks.questions`: how many questions a task takes in default mode, over the stories of tests/cases."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from claw_lsp.facts.event import CallJudged, UserSpoke
from claw_lsp.facts.rule import Mode
from claw_lsp.testing.cases.case import Case, parsed
from claw_lsp.testing.cases.places import Places
from claw_lsp.testing.cases.playing import play
from claw_lsp.testing.cases.story import CaseError

CASES = Path(__file__).parent.parent / "tests" / "cases"


@dataclass(frozen=True, slots=True)
class Counted:
    """Prompts of the person, message boxes they saw, and calls that they decided."""

    tasks: int
    boxes: int
    calls: int


async def count(case: Case) -> Counted | None:
    """One story; None where it is not told in default mode, or went another way on this machine."""
    if case.settings.get("permissions", {}).get("defaultMode", Mode.DEFAULT) != Mode.DEFAULT:
        return None
    with tempfile.TemporaryDirectory() as folder:
        try:
            outcome = await play(case, Places(Path(folder) / "case"))
        except CaseError:
            return None
    events = [it.event for entries in outcome.sessions for it in entries]
    tasks = sum(isinstance(it, UserSpoke) for it in events)
    calls = sum(isinstance(it, CallJudged) and it.by == "person" for it in events)
    return Counted(tasks, len(outcome.boxes), calls)


def stories() -> list[Case]:
    return [parsed(file.read_text("utf-8")) for file in sorted(CASES.glob("*.case"))]


async def main() -> None:
    found = [it for case in stories() if (it := await count(case)) is not None]
    tasks = sum(it.tasks for it in found)
    boxes, calls = sum(it.boxes for it in found), sum(it.calls for it in found)
    print(f"{len(found)} stories in default mode, {tasks} tasks")
    print(f"questions put before the person: {boxes}, {boxes / tasks:.2f} a task")
    print(f"calls that the person decided:   {calls}, {calls / tasks:.2f} a task")


if __name__ == "__main__":
    asyncio.run(main())
