"""An editor that other agents may ask: open and closed as the settings say, however often they are read at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from claw_lsp.adapters.shared_editors import LONGEST_PATH, EditorOffer, SharedEditors
from claw_lsp.facts.fault import HostError, ToolError
from claw_lsp.facts.shared import Asked
from claw_lsp.lsp.mcp.sharing import Sharing

ASKED = Asked(wish="here", agent="t")


async def answer(asked: Asked) -> dict[str, Any]:
    if asked.wish == "text":
        raise ToolError("That is not shared.")
    return {"wish": asked.wish}


async def yes() -> bool:
    await asyncio.sleep(0)
    return True


async def no() -> bool:
    return False


async def test_settings_that_are_read_twice_at_once_leave_one_way_in(tmp_path: Path) -> None:
    sharing, editors = Sharing(EditorOffer(str(tmp_path))), SharedEditors(str(tmp_path))
    await asyncio.gather(sharing.follow(yes, answer), sharing.follow(yes, answer))
    (name,) = await editors.known()
    assert await editors.ask(name, ASKED) == {"wish": "here"}
    with pytest.raises(ToolError, match="That is not shared"):
        await editors.ask(name, Asked(wish="text", agent="t"))
    await sharing.follow(no, answer)
    assert await editors.known() == ()
    with pytest.raises(HostError):
        await editors.ask(name, ASKED)
    await sharing.follow(yes, answer)
    assert await editors.ask(name, ASKED) == {"wish": "here"}
    await sharing.close()
    assert await editors.known() == ()


async def test_where_the_path_is_too_long_for_a_socket_it_is_a_port_of_this_machine(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * (LONGEST_PATH // 4))
    sharing, editors = Sharing(EditorOffer(str(home))), SharedEditors(str(home))
    await sharing.follow(yes, answer)
    (name,) = await editors.known()
    assert not list(home.glob("editors/*.sock"))
    assert await editors.ask(name, ASKED) == {"wish": "here"}
    await sharing.close()
