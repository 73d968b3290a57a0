"""Every case file under tests/cases is played through the real language server, and comes out as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from claw_lsp.testing.cases.case import parsed, wanted, written
from claw_lsp.testing.cases.places import Places
from claw_lsp.testing.cases.playing import play
from claw_lsp.testing.cases.showing import parts

FILES = sorted((Path(__file__).parent / "cases").glob("*.case"))


@pytest.mark.parametrize("file", FILES, ids=lambda it: it.stem)
async def test_case(file: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    case = parsed(file.read_text("utf-8"))
    places = Places(tmp_path)
    came = parts(case, await play(case, places), places)
    if request.config.getoption("--update-cases"):
        file.write_text(written(case, came), "utf-8")
        return
    assert dict(case.expected) == wanted(case, came), f"{file}: {case.title}"
