"""The scripted server's prompt cache: what is written, what is found, what could have been found."""

from typing import Any

import httpx2
import pytest

from claw_lsp.testing.messages_api import MessagesApi, Reply, Scenario, script

HEADERS = {"x-api-key": "sk-ant-scripted", "anthropic-version": "2026-10-21"}
ALWAYS = Scenario(replies=(Reply(content="ok", times="always"),))
LONG = "word " * 2000
MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def text(words: str, **more: Any) -> Any:
    return {"type": "text", "text": words, **more}


def user(*blocks: Any) -> Any:
    return {"role": "user", "content": list(blocks)}


class Asker:
    """Asks one server and keeps the usage of the last answer."""

    def __init__(self, api: MessagesApi, http: httpx2.AsyncClient) -> None:
        self.api = api
        self.http = http

    async def __call__(self, *messages: Any, **more: Any) -> Any:
        body = {"model": "claude-opus-5-5", "max_tokens": 10, "messages": list(messages), **more}
        answer = await self.http.post(f"{self.api.url}/v1/messages", json=body, headers=HEADERS)
        assert answer.status_code == 200, answer.text
        return answer.json()["usage"]


def counts(usage: Any) -> tuple[int, int, int]:
    return usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"], usage["input_tokens"]


@pytest.mark.asyncio
async def test_a_breakpoint_is_written_and_read_and_the_parts_make_the_whole() -> None:
    async with MessagesApi(ALWAYS) as api, httpx2.AsyncClient() as http:
        ask = Asker(api, http)
        read, written, uncached = counts(await ask(user(text("q")), system=[text(LONG, **MARK)]))
        again = counts(await ask(user(text("other")), system=[text(LONG, **MARK)]))
        other_model = counts(await ask(user(text("q")), system=[text(LONG, **MARK)], model="claude-haiku-5-5"))
    assert (read, uncached) == (0, -(-2 * (len('{"text":"","type":"text"}') * 2 + len(LONG) + 1) // 7) - written)
    assert again[:2] == (written, 0)
    assert other_model[0] == 0


@pytest.mark.asyncio
async def test_short_prefixes_are_not_cached() -> None:
    async with MessagesApi(ALWAYS) as api, httpx2.AsyncClient() as http:
        ask = Asker(api, http)
        for _ in range(2):
            assert counts(await ask(user(text("short", **MARK))))[:2] == (0, 0)


@pytest.mark.asyncio
async def test_ttls_are_split_and_entries_expire() -> None:
    now = [0.0]
    async with MessagesApi(ALWAYS, clock=lambda: now[0]) as api, httpx2.AsyncClient() as http:
        ask = Asker(api, http)
        asked: Any = [user(text(LONG, **MARK))]
        usage = await ask(*asked, system=[text(LONG, **HOUR)])
        split = usage["cache_creation"]
        assert split["ephemeral_1h_input_tokens"] > 2000 < split["ephemeral_5m_input_tokens"]
        now[0] = 301
        usage = await ask(*asked, system=[text(LONG, **HOUR)])
        assert usage["cache_read_input_tokens"] == split["ephemeral_1h_input_tokens"]
        assert usage["cache_creation"] == {**split, "ephemeral_1h_input_tokens": 0}
        now[0] += 299
        assert (await ask(*asked, system=[text(LONG, **HOUR)]))["cache_creation_input_tokens"] == 0
        now[0] += 3601
        assert counts(await ask(*asked, system=[text(LONG, **HOUR)]))[0] == 0


@pytest.mark.asyncio
@pytest.mark.parametrize(("n_new", "found"), [(19, True), (20, False)])
async def test_the_look_back_ends_after_20_blocks(n_new: int, found: bool) -> None:
    async with MessagesApi(ALWAYS) as api, httpx2.AsyncClient() as http:
        ask = Asker(api, http)
        _, written, _ = counts(await ask(user(text(LONG, **MARK))))
        new = [text(f"new {n}") for n in range(n_new)]
        new[-1] = {**new[-1], **MARK}
        read, _, uncached = counts(await ask(user(text(LONG), *new)))
    assert (read, uncached) == (written if found else 0, 0)
    assert api.cache_report().ratio == (1.0 if found else 0.0)
    assert api.cache_report().lines[1].best == written


@pytest.mark.asyncio
@pytest.mark.parametrize(("keep_last_mark", "least", "most"), [(True, 0.99, 1.0), (False, 0.0, 0.75)])
async def test_50_parallel_calls_lose_the_cache_unless_the_last_breakpoint_is_kept(
    keep_last_mark: bool, least: float, most: float
) -> None:
    calls = [{"type": "tool_use", "id": f"c{n}", "name": "Read", "input": {"n": n}} for n in range(50)]
    results = [{"type": "tool_result", "tool_use_id": f"c{n}", "content": LONG[:500]} for n in range(50)]
    tools = [{"name": "Read", "input_schema": {"type": "object"}}]
    first_mark = MARK if keep_last_mark else {}
    fixed: Any = {"system": [text(LONG, **MARK)], "tools": tools}
    async with MessagesApi(ALWAYS) as api, httpx2.AsyncClient() as http:
        ask = Asker(api, http)
        await ask(user(text(LONG, **MARK)), **fixed)
        middle = [{"role": "assistant", "content": calls}, user(*results[:-1], {**results[-1], **MARK})]
        await ask(user(text(LONG, **first_mark)), *middle, **fixed)
    report = api.cache_report()
    assert least <= report.ratio <= most
    assert report.lines[1].prompt > report.lines[1].best > 2 * report.lines[0].prompt // 3


@pytest.mark.asyncio
async def test_a_chain_with_a_moving_breakpoint_reads_all_it_can() -> None:
    async with MessagesApi(ALWAYS) as api, httpx2.AsyncClient() as http:
        ask = Asker(api, http)
        messages: list[Any] = [user(text(LONG))]
        for n in range(10):
            *before, last = messages
            end = {**last, "content": [*last["content"][:-1], {**last["content"][-1], **MARK}]}
            await ask(*before, end)
            messages += [{"role": "assistant", "content": "ok"}, user(text(f"{n} {LONG[:300]}"))]
    report = api.cache_report()
    assert report.ratio == 1.0
    assert [it.read for it in report.lines[1:]] == [it.prompt for it in report.lines[:-1]]


@pytest.mark.asyncio
async def test_a_changed_beginning_shows_in_the_report() -> None:
    async with MessagesApi(ALWAYS) as api, httpx2.AsyncClient() as http:
        ask = Asker(api, http)
        await ask(user(text(LONG), text("one")))
        await ask(user(text(LONG), text("changed"), text("two")))
    line = api.cache_report().lines[1]
    assert (line.read, line.best) == (0, 0)
    assert line.shared > 2000


@pytest.mark.asyncio
async def test_tool_choice_and_thinking_part_the_messages_but_not_what_is_before() -> None:
    tools = [{"name": "Read", "input_schema": {"type": "object"}}]
    fixed: Any = {"system": [text(LONG, **MARK)], "tools": tools, "model": "claude-opus-5"}
    async with MessagesApi(ALWAYS) as api, httpx2.AsyncClient() as http:
        ask = Asker(api, http)
        whole = counts(await ask(user(text(LONG, **MARK)), **fixed))[1]
        for change in ({"tool_choice": {"type": "none"}}, {"thinking": {"type": "disabled"}}):
            read = counts(await ask(user(text(LONG, **MARK)), **fixed, **change))[0]
            assert 0 < read < whole
        effort = {"output_config": {"effort": "low"}}
        assert counts(await ask(user(text(LONG, **MARK)), **fixed, **effort))[0] == whole


@pytest.mark.asyncio
async def test_the_mark_of_the_whole_request_stands_on_its_last_block() -> None:
    async with MessagesApi(ALWAYS) as api, httpx2.AsyncClient() as http:
        ask = Asker(api, http)
        _, written, uncached = counts(await ask(user(text(LONG)), **MARK))
        read, _, _ = counts(await ask(user(text(LONG)), {"role": "assistant", "content": "a"}, user(text("b")), **MARK))
    assert uncached == 0
    assert read == written


@pytest.mark.asyncio
async def test_refused_requests_leave_no_trace_in_the_cache() -> None:
    async with MessagesApi(script()) as api, httpx2.AsyncClient() as http:
        body = {"model": "claude-opus-5-5", "max_tokens": 10, "messages": [user(text(LONG, **MARK))]}
        answer = await http.post(f"{api.url}/v1/messages", json=body, headers=HEADERS)
    assert answer.status_code == 500
    assert api.cache_report().lines == ()
