"""`claw.context`: what is in the model's window as a document; dropped there by code actions, once the person said yes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from door_desk import Visit, visiting

from claw_lsp.core.prefix import LEFT_OUT
from claw_lsp.testing.messages_api import MessagesApi, Reply, ToolUse, script
from claw_lsp.testing.messages_api.local import LocalServer
from claw_lsp.testing.wire import WireError

BIG = "".join(f"line {n} of a long file\n" for n in range(400))


READS = Reply(content=(ToolUse(name="Read", input={"file_path": "big.txt"}),))


@asynccontextmanager
async def visited(
    tmp_path: Path, *replies: Any, local: LocalServer | None = None
) -> AsyncGenerator[tuple[Visit, MessagesApi], None]:
    """A visit whose model is the scripted server, which counts tokens."""
    async with MessagesApi(script(*replies), local=local) as api:
        around = {"ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": "sk-ant-scripted"}
        async with visiting(tmp_path, environment=around) as visit:
            visit.write("big.txt", BIG)
            yield visit, api


async def test_the_document_shows_what_is_in_the_window_by_kind(tmp_path: Path) -> None:
    async with visited(tmp_path, READS, "It is long.") as (visit, _):
        visit.write("CLAW.md", "Be brief.\n")
        begun = await visit.turn("claw.ask", prompt="look at it")
        answer = await visit.command("claw.context")
        assert answer["session"] == begun["session"]
        kinds = {it["kind"] for it in answer["items"]}
        assert {"system", "tools", "instructions", "environment", "prompts", "replies", "files"} <= kinds
        assert sum(it["tokens"] for it in answer["items"]) == answer["used"]
        assert answer["used"] + answer["free"] == answer["size"]
        text = Path(answer["path"]).read_text()
        assert "- `Read big.txt`: about " in text and "Files read" in text and "Free" in text
        assert "`Bash`" in text and "CLAW.md" in text
        files = [it for it in answer["items"] if it["kind"] == "files"]
        assert [it["name"] for it in files] == ["Read big.txt"] and files[0]["tokens"] > 1000
        (turn,) = [it for it in answer["items"] if it["id"].startswith("turn:")]
        assert turn["tokens"] == 0 and turn["covers"] > files[0]["tokens"]
        assert "- `all that was done for: look at it`: about " in text and ", its calls and their results\n" in text
        assert answer["compactAt"] is not None and "compacted by itself" in text


async def test_an_item_is_dropped_by_a_code_action_once_the_person_says_yes(tmp_path: Path) -> None:
    async with visited(tmp_path, READS, "It is long.", "I do not know it any more.") as (visit, api):
        begun = await visit.turn("claw.ask", prompt="look at it")
        page = (await visit.command("claw.context"))["path"]
        visit.open(page)
        line = visit.text(page).index("- `Read big.txt`")
        (drop,) = [it for it in await visit.actions(page, line) if it["command"]["command"] == "claw.context"]
        assert drop["title"] == "Claw: Drop Read big.txt"
        before = await visit.command("claw.context")
        answer = await visit.run_action(drop)
        (question,) = await visit.asked()
        assert question["question"] == answer["question"]
        assert (
            "Leave out `Read big.txt`? It frees about" in question["title"] and "read anew: once $" in question["title"]
        )
        assert [it["choice"] for it in question["choices"]] == ["deny", "once"]
        assert (await visit.command("claw.context"))["used"] == before["used"], "nothing is dropped before the yes"
        await visit.command("claw.answer", question=question["question"], choice="once")
        await visit.until(lambda: visit.hear() or any("left out" in it["message"] for it in visit.messages))
        after = await visit.command("claw.context")
        assert after["used"] < before["used"] - 2500
        await visit.turn("claw.ask", prompt="and now?", session=begun["session"])
        sent = str(api.requests[-1].body)
        assert "line 7 of a long file" not in sent and "The result of this call was left out" in sent
        assert "look at it" in sent and LEFT_OUT not in sent


async def test_no_leaves_all_as_it_was_and_what_is_not_there_cannot_be_dropped(tmp_path: Path) -> None:
    async with visited(tmp_path, READS, "It is long.") as (visit, _):
        assert "nothing was asked" in (await visit.command("claw.context"))["text"]
        await visit.turn("claw.ask", prompt="look at it")
        before = await visit.command("claw.context")
        (item,) = [it["id"] for it in before["items"] if it["kind"] == "files"]
        answer = await visit.command("claw.context", drop=[item])
        assert answer["freed"] > 1000 and answer["again"] > 0 and answer["once"] > 0 and answer["saved"] > 0
        await visit.asked()
        await visit.command("claw.answer", question=answer["question"], choice="deny")
        assert (await visit.command("claw.context"))["used"] == before["used"]
        with pytest.raises(WireError, match=r"expected ids of items that claw\.context lists, found 'call:nowhere'"):
            await visit.command("claw.context", drop=["call:nowhere"])


@pytest.mark.parametrize("local", [None, LocalServer(("qwen3-coder",))])
async def test_the_provider_counts_where_it_can_and_else_the_last_reply_tells(
    tmp_path: Path, local: LocalServer | None
) -> None:
    async with visited(tmp_path, READS, "Long.", local=local) as (visit, api):
        visit.write(".claw/settings.json", '{"model": "qwen3-coder"}' if local else "{}")
        await visit.turn("claw.ask", prompt="look at it")
        answer = await visit.command("claw.context")
        assert answer["measured"] == ("reported" if local else "counted")
        assert sum(it["tokens"] for it in answer["items"]) == answer["used"] > 1000
        again = await visit.command("claw.context")
        assert again["used"] == answer["used"]
        counted = [it for it in api.side_requests if it.path.endswith("count_tokens")]
        assert len(counted) == (1 if local else 2), "a server that cannot count is not asked again"
