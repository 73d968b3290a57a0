"""Tokens counted by the server before anything is sent; where it cannot count, nobody is the worse for it."""

import json

from claude_line import CANARY, Answer, RawApi, ask, line

from claw_lsp.testing.messages_api import LocalServer, MessagesApi, script


def said(body: object, status: str = "200 OK") -> Answer:
    return Answer((json.dumps(body).encode(),), status=status, headers=("content-type: application/json",))


async def test_the_count_is_what_the_server_bills_for_the_same_request() -> None:
    async with MessagesApi(script("Hello.")) as api, line(api.url, find=lambda: CANARY) as model:
        counted = await model.count(ask())
        reply = await model.consult(ask(), _unheard)
    assert counted == reply.usage.prompt_tokens > 0
    assert [it.path for it in api.side_requests] == ["/v1/messages/count_tokens"]
    assert "stream" not in api.side_requests[0].body and "max_tokens" not in api.side_requests[0].body


async def test_a_server_that_has_no_count_is_asked_once() -> None:
    local = LocalServer(("qwen3-coder",))
    async with MessagesApi(script(), local=local) as api, line(api.url, find=lambda: None) as model:
        assert [await model.count(ask()) for _ in range(3)] == [None, None, None]
    assert len(api.side_requests) == 1


async def test_what_may_pass_is_asked_again_and_what_makes_no_sense_is_no_count() -> None:
    overloaded = said({"type": "error", "error": {"type": "overloaded_error", "message": "later"}}, "529 Overloaded")
    answers = (overloaded, said({"tokens": 3}), said([1]), said({"input_tokens": 12}))
    async with RawApi(answers) as api, line(api.url) as model:
        assert [await model.count(ask()) for _ in answers] == [None, None, None, 12]


async def _unheard(signal: object) -> None:
    """Nobody listens."""
