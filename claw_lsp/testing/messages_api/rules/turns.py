"""Rules about the messages: their order, what each role may hold, text that is not empty, calls and their results."""

from collections.abc import Iterator

from claw_lsp.testing.messages_api.rules.asked import Asked, numbered_blocks, numbered_messages
from claw_lsp.testing.messages_api.shapes import (
    Message,
    ServerToolResult,
    ServerToolUse,
    Text,
    ToolResult,
    ToolUse,
)

_MAY_HOLD = {
    "user": {
        "text",
        "image",
        "document",
        "search_result",
        "tool_result",
    },
    "assistant": {
        "text",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "tool_search_tool_result",
    },
    "system": {"text"},
}


def messages_begin_with_the_user(asked: Asked) -> Iterator[str]:
    messages = asked.request.messages
    if not messages:
        yield "messages: at least one message is required"
    elif messages[0].role == "system":
        yield "messages.0: role 'system' is only allowed after the first user message; use the top-level `system` parameter"
    elif messages[0].role != "user":
        yield 'messages: first message must use the "user" role'


def system_messages_are_supported(asked: Asked) -> Iterator[str]:
    for where, message in numbered_messages(asked):
        if message.role == "system" and not asked.facts.system_in_messages:
            yield f"{where}: role 'system' is not supported on this model"


def roles_hold_their_blocks(asked: Asked) -> Iterator[str]:
    for where, message, block in numbered_blocks(asked):
        if block.type not in _MAY_HOLD[message.role]:
            yield f"{where}: `{block.type}` blocks are not permitted in `{message.role}` messages"


def messages_have_content(asked: Asked) -> Iterator[str]:
    last = len(asked.request.messages) - 1
    for n, message in enumerate(asked.request.messages):
        if not message.content and not (n == last and message.role == "assistant"):
            yield (
                f"messages.{n}: all messages must have non-empty content except for the optional final assistant message"
            )


def text_is_not_blank(asked: Asked) -> Iterator[str]:
    for where, block in _texts(asked):
        if not block.text:
            yield f"{where}: text content blocks must be non-empty"
        elif not block.text.strip():
            yield f"{where}: text content blocks must contain non-whitespace text"


def citations_are_the_assistants(asked: Asked) -> Iterator[str]:
    for where, message, block in numbered_blocks(asked):
        if isinstance(block, Text) and block.citations and message.role != "assistant":
            yield f"{where}.text.citations: citations are only permitted on text of assistant messages"


def final_text_has_no_trailing_space(asked: Asked) -> Iterator[str]:
    last = _last(asked)
    if last and last.role == "assistant" and last.content:
        end = last.content[-1]
        if isinstance(end, Text) and end.text != end.text.rstrip():
            yield "messages: final assistant content cannot end with trailing whitespace"


def prefill_is_supported(asked: Asked) -> Iterator[str]:
    last = _last(asked)
    if not last or last.role != "assistant" or asked.facts.takes_prefill:
        return
    goes_on = any(isinstance(it, ServerToolUse | ServerToolResult) for it in last.content)
    if not goes_on and not asked.ledger.was_paused(asked.prompt.prefixes[-1]):
        yield "This model does not support assistant message prefill. The conversation must end with a user message."


def call_ids_are_unique(asked: Asked) -> Iterator[str]:
    seen: set[str] = set()
    for where, _, block in numbered_blocks(asked):
        if isinstance(block, ToolUse | ServerToolUse):
            if block.id in seen:
                yield f"{where}: `tool_use` ids must be unique"
            seen.add(block.id)


def calls_are_answered_next(asked: Asked) -> Iterator[str]:
    messages = asked.request.messages
    for n, message in enumerate(messages):
        calls = [it.id for it in message.content if isinstance(it, ToolUse)]
        answered = _leading_results(messages[n + 1]) if n + 1 < len(messages) else []
        missing = [it for it in calls if it not in answered]
        if missing:
            yield (
                f"messages.{n + 1 if n + 1 < len(messages) else n}: `tool_use` ids were found without `tool_result` "
                f"blocks immediately after: {', '.join(missing)}. Each `tool_use` block must have a corresponding "
                "`tool_result` block in the next message."
            )


def results_answer_a_call(asked: Asked) -> Iterator[str]:
    messages = asked.request.messages
    for m, message in enumerate(messages):
        before = messages[m - 1].content if m else []
        calls = {it.id for it in before if isinstance(it, ToolUse)}
        for n, block in enumerate(message.content):
            if isinstance(block, ToolResult) and block.tool_use_id not in calls:
                yield (
                    f"messages.{m}.content.{n}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{block.tool_use_id}. Each `tool_result` block must have a corresponding `tool_use` block in the "
                    "previous message."
                )


def results_come_once(asked: Asked) -> Iterator[str]:
    for where, message in numbered_messages(asked):
        ids = [it.tool_use_id for it in message.content if isinstance(it, ToolResult)]
        double = next((it for n, it in enumerate(ids) if it in ids[:n]), None)
        if double:
            yield (
                f"{where}.content: each tool_use must have a single result. "
                f"Found multiple `tool_result` blocks with id: {double}"
            )


def server_calls_have_their_results(asked: Asked) -> Iterator[str]:
    last = len(asked.request.messages) - 1
    for n, message in enumerate(asked.request.messages):
        results = {it.tool_use_id for it in message.content if isinstance(it, ServerToolResult)}
        calls = {it.id: it.name for it in message.content if isinstance(it, ServerToolUse)}
        for call_id, name in calls.items():
            if call_id not in results and n != last:
                yield f"messages.{n}: `{name}` tool use with id {call_id} was found without a corresponding result block"
        for call_id in results - calls.keys():
            yield f"messages.{n}: unexpected `tool_use_id` found in server tool result blocks: {call_id}"


def _texts(asked: Asked) -> Iterator[tuple[str, Text]]:
    for n, block in enumerate(asked.request.system or []):
        yield f"system.{n}", block
    for where, _, block in numbered_blocks(asked):
        if isinstance(block, Text):
            yield where, block
        elif isinstance(block, ToolResult):
            inner = ((n, it) for n, it in enumerate(block.content))
            yield from ((f"{where}.tool_result.content.{n}", it) for n, it in inner if isinstance(it, Text))


def _leading_results(message: Message) -> list[str]:
    """The ids of the results with which the message begins."""
    ids: list[str] = []
    for block in message.content:
        if not isinstance(block, ToolResult):
            break
        ids.append(block.tool_use_id)
    return ids


def _last(asked: Asked) -> Message | None:
    return asked.request.messages[-1] if asked.request.messages else None


RULES = (
    messages_begin_with_the_user,
    system_messages_are_supported,
    roles_hold_their_blocks,
    messages_have_content,
    text_is_not_blank,
    citations_are_the_assistants,
    final_text_has_no_trailing_space,
    prefill_is_supported,
    call_ids_are_unique,
    results_come_once,
    results_answer_a_call,
    calls_are_answered_next,
    server_calls_have_their_results,
)
