"""C23: an id of a session is a UUID or nothing; it reaches no path, no shell and no other program's arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from claw_lsp.lsp.announced import COMMANDS
from claw_lsp.testing.scripted_model import says
from tests.wire.door_desk import refused, visiting

EVIL = ['x --mcp-config {"a":1}; touch p', "$(touch p)", "../../etc/passwd", "--resume", "a\nb", "/etc/passwd"]
NAMING = {"claw.ask": {"prompt": "x"}, "claw.chat": {}, "claw.status": {}, "claw.resume": {}, "claw.delete": {}}
NAMING |= {"claw.rename": {"title": "t"}, "claw.export": {}, "claw.fork": {}, "claw.clear": {}}


@pytest.mark.security_case("C23")
async def test_c23_no_command_takes_what_is_no_id(tmp_path: Path) -> None:
    async with visiting(tmp_path, says("Hi.")) as visit:
        await visit.turn("claw.ask", prompt="hello")
        for name in (it for it in NAMING if it in COMMANDS):
            for id_ in EVIL:
                error = await refused(visit, name, session=id_, **NAMING[name])
                assert error.code in (-32602, -32803), (name, id_)
        await visit.settle()
    assert len(list(tmp_path.rglob("*.jsonl"))) == 1
    assert not [it for it in tmp_path.rglob("*") if it.name in ("p", "passwd")]
    assert {"claw.ask", "claw.chat", "claw.status"} <= set(COMMANDS)
