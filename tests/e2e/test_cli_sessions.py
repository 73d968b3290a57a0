"""`claw-lsp sessions export|fork|delete` as processes."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import shell

from claw_lsp.testing.messages_api import MessagesApi, script


async def test_a_session_is_exported_forked_gone_on_with_and_deleted(tmp_path: Path) -> None:
    async with MessagesApi(script("Hello Ada.", "Ada.", "You are Ada.")) as api:
        here = shell(tmp_path, api.url)
        first = (await here.claw("run", "I am Ada", "--output-format", "json")).json["session_id"]
        await here.claw("run", "who am I?", "--resume", first)
        markdown = await here.claw("sessions", "export", first[:8])
        page = await here.claw("sessions", "export", first, "--format", "html", "--output", "page.html")
        again = await here.claw("sessions", "export", first, "--format", "html", "--output", "page.html")
        whole = await here.claw("sessions", "export", first, "--format", "json")
        fork = await here.claw("sessions", "fork", first, "--at", "2")
        wrong = await here.claw("sessions", "fork", first, "--at", "3")
        went_on = await here.claw("run", "once more", "--resume", fork.out.strip())
        asked = await here.claw("sessions", "delete", first)
        gone = await here.claw("sessions", "delete", first, "--yes")
        left = await here.claw("sessions", "list")
    assert markdown.out.startswith("# I am Ada\n")
    assert "## Claude\n\nHello Ada.\n" in markdown.out
    assert page.code == 0
    assert (here.folder / "page.html").read_text("utf-8").startswith("<!doctype html>")
    assert (again.code, "File exists" in again.err) == (1, True)
    kinds = [it["event"]["kind"] for it in json.loads(whole.out)["entries"]]
    assert kinds.count("user_spoke") == 2
    assert fork.code == 0
    assert (wrong.code, "from 1 to 2" in wrong.err) == (1, True)
    assert "You are Ada." in went_on.out
    assert "Ada." not in str([it for it in api.requests[-1].body["messages"] if "who am I" in str(it)])
    assert (asked.code, "add --yes" in asked.err) == (2, True)
    assert gone.out.startswith(f"Deleted {first}")
    assert [line.split()[0] for line in left.out.splitlines()] == [fork.out.strip()]
