"""What `--output-format json` and `stream-json` say: the public message shapes of headless runs, made from facts."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from claw_lsp.core.state import State
from claw_lsp.facts.call import Block, Call, Result
from claw_lsp.facts.event import ModelSpoke, Stopped, TurnEnded
from claw_lsp.facts.signal import Retrying
from claw_lsp.facts.usage import Usage

Message = dict[str, Any]

SUCCEEDED: frozenset[Stopped] = frozenset({"done"})


def init(state: State) -> Message:
    """The first line of a stream: where the session stands."""
    return {
        "type": "system",
        "subtype": "init",
        "cwd": state.cwd,
        "session_id": state.session,
        "tools": [it.name for it in state.tools],
        "mcp_servers": [],
        "model": state.model,
        "permissionMode": state.mode.value,
        "slash_commands": [],
        "uuid": str(uuid4()),
    }


def assistant(session: str, spoke: ModelSpoke) -> Message:
    """One reply of the model, its content blocks as they came."""
    message = {
        "id": spoke.message_id,
        "type": "message",
        "role": "assistant",
        "model": spoke.model,
        "content": list(spoke.blocks),
        "stop_reason": spoke.stop_reason,
        "stop_sequence": None,
        "usage": usage(spoke.usage),
    }
    return _said("assistant", session, message)


def user(session: str, call_id: str, result: Result) -> Message:
    """What came of a call, as the model is told."""
    content: str | list[Block] = result.content if isinstance(result.content, str) else list(result.content)
    block = {"type": "tool_result", "tool_use_id": call_id, "content": content, "is_error": result.is_error}
    return _said("user", session, {"role": "user", "content": [block]})


def api_retry(session: str, signal: Retrying) -> Message:
    """The provider failed and is asked again."""
    return {
        "type": "system",
        "subtype": "api_retry",
        "attempt": signal.attempt,
        "max_retries": signal.attempts,
        "retry_delay_ms": round(signal.wait * 1000),
        "error": signal.why,
        "session_id": session,
        "uuid": str(uuid4()),
    }


def result(
    ended: TurnEnded, *, session: str, seconds: float, n_replies: int, max_turns: int | None, denied: tuple[Call, ...]
) -> Message:
    """The end of a run. A failure has its text too; `stopped` is our own word beside the public ones."""
    total = sum(ended.usage.values(), Usage())
    hit_limit = ended.stopped == "limit" and max_turns is not None and n_replies >= max_turns
    told = ended.text if ended.stopped in ("done", "refused") and ended.text else ended.why or ended.text
    return {
        "type": "result",
        "subtype": _subtype(ended.stopped, hit_limit=hit_limit),
        "is_error": ended.stopped not in SUCCEEDED,
        "duration_ms": round(seconds * 1000),
        "num_turns": n_replies,
        "result": told,
        "stopped": ended.stopped,
        "session_id": session,
        "total_cost_usd": ended.cost,
        "usage": usage(total),
        "modelUsage": {model: usage(it) for model, it in ended.usage.items()},
        "permission_denials": [{"tool_name": it.name, "tool_use_id": it.id, "tool_input": it.input} for it in denied],
        "uuid": str(uuid4()),
    }


def usage(counted: Usage) -> Message:
    """Tokens under the names the Messages API gives them."""
    return {
        "input_tokens": counted.input_tokens,
        "cache_creation_input_tokens": counted.cache_write_5m_tokens + counted.cache_write_1h_tokens,
        "cache_read_input_tokens": counted.cache_read_tokens,
        "output_tokens": counted.output_tokens,
        "server_tool_use": {"web_search_requests": counted.web_searches},
    }


def _subtype(stopped: Stopped, *, hit_limit: bool) -> str:
    if stopped in SUCCEEDED:
        return "success"
    return "error_max_turns" if hit_limit else "error_during_execution"


def _said(kind: str, session: str, message: Message) -> Message:
    return {
        "type": kind,
        "message": message,
        "parent_tool_use_id": None,
        "session_id": session,
        "uuid": str(uuid4()),
    }
