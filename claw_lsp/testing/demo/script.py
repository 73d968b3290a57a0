"""What the scripted model of the demo says: it looks, edits, runs the tests, and takes no for an answer."""

from __future__ import annotations

from typing import Any

from claw_lsp.testing.demo.sample import COMMAND, TYPED, Sample
from claw_lsp.testing.messages_api import Improvised, Recorded, Reply, Scenario, Text, ToolUse

PACE = 0.03
"""Seconds between two pieces of text: as fast as a person can follow."""

BEFORE = "return sum(line.unit_price for line in lines)"
AFTER = "return sum(line.quantity * line.unit_price for line in lines)"


def scenario(sample: Sample) -> Scenario:
    """The model's side of the turn, whatever the person answers."""

    def make(recorded: Recorded) -> Reply:
        return _reply(sample, recorded)

    return Scenario(title="the demo", replies=(Improvised(make=make, times="always"),))


def _reply(sample: Sample, recorded: Recorded) -> Reply:
    """What comes next follows from how many calls were answered, and whether the last one was done."""
    answers = [block for message in recorded.body["messages"] for block in _results(message)]
    refused = bool(answers) and answers[-1].get("is_error", False)
    match len(answers):
        case 0:
            return _says(
                "I read the failing test and the code it calls.",
                ToolUse(name="Read", input={"file_path": str(sample.test)}),
                ToolUse(name="Read", input={"file_path": str(sample.source)}),
            )
        case 2:
            return _says(
                "`subtotal` adds up unit prices and never looks at `quantity`: two of a kind cost as much as one."
                " I multiply the two. Your unsaved line at the top is yours; I leave it alone.",
                ToolUse(
                    name="Edit",
                    input={"file_path": str(sample.source), "old_string": BEFORE, "new_string": AFTER},
                ),
            )
        case 3 if refused:
            return _says("You said no, so nothing is changed. The cause is in `subtotal`: it ignores `quantity`.")
        case 3:
            command = {"command": COMMAND, "description": "Run the tests"}
            return _says("Now the tests, to be sure.", ToolUse(name="Bash", input=command))
        case _ if "OK" in recorded.tool_results:
            return _says(
                "Fixed: `subtotal` multiplies each price by its quantity, and all three tests pass."
                f" The line you were typing (`{TYPED.strip()}`) is still there."
            )
        case _:
            return _says("The change is in your buffer. The tests did not run through me, so please run them yourself.")


def _says(text: str, *calls: ToolUse) -> Reply:
    return Reply(content=(Text(text=text, pace=PACE), *calls))


def _results(message: dict[str, Any]) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [] if isinstance(message["content"], str) else message["content"]
    return [it for it in blocks if it["type"] == "tool_result"]
