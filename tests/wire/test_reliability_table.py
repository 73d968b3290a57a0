"""docs/reliability.md names a test for every fault, and every test it names is there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent.parent
TABLE = TESTS.parent / "docs" / "reliability.md"
WANTED = [f"R{n:02}" for n in range(1, 65) if n not in (61, 62, 63)]
ROW = re.compile(r"^\| (R\d\d) \| (.+?) \| (.+) \|$", re.MULTILINE)


def rows() -> dict[str, list[tuple[str, str]]]:
    """For each number, the tests that carry it: file below tests/ and name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for number, _, cell in ROW.findall(TABLE.read_text("utf-8")):
        for part in cell.split("; "):
            file, _, names = part.partition(": ")
            found.setdefault(number, []).extend((file, name) for name in re.findall(r"`(\w+)`", names))
    return found


@cache
def defined(file: str) -> frozenset[str]:
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)", (TESTS / file).read_text("utf-8"), re.MULTILINE))


def test_every_fault_has_a_test() -> None:
    table = rows()
    assert list(table) == WANTED
    assert all(table.values())


def test_every_test_in_the_table_exists() -> None:
    missing = [f"{file}: {name}" for tests in rows().values() for file, name in tests if name not in defined(file)]
    assert missing == []


def test_every_number_is_borne_by_the_name_of_a_test() -> None:
    for number, tests in rows().items():
        bearing = [name for _, name in tests if re.match(rf"test_(r\d\d_)*{number.lower()}_", name)]
        assert bearing, number
