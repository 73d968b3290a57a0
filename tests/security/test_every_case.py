"""Every case of tests/fixtures/security_cases.json is proved somewhere: by the table of tests/wire/test_policy_cases.py, or by
a test that is marked with the case's id."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent.parent
MARKED = re.compile(r"@pytest\.mark\.security_case\(([^)]*)\)\n(?:@.*\n|[ )\]].*\n)*(?:async )?def test_")
TABLE = ("bash", "path", "web")
"""Kinds that are a question to the policy."""


def test_every_case_is_proved_by_a_test() -> None:
    cases: list[dict[str, Any]] = json.loads((TESTS / "fixtures" / "security_cases.json").read_text("utf-8"))
    others = {it["id"] for it in cases if it["kind"] not in TABLE}
    assert {it["id"] for it in cases} >= marked(), "a test is marked with an id that there is not"
    assert others - marked() == set()


def marked() -> set[str]:
    """The ids that tests are marked with."""
    found = [it for path in TESTS.rglob("test_*.py") for it in MARKED.findall(path.read_text("utf-8"))]
    return {id_ for it in found for id_ in re.findall(r'"([^"]+)"', it)}
