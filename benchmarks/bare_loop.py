"""`python -m benchmarks.bare_loop URL PROMPT`: the least that can be called an agent, over the SDK, with one tool."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from anthropic import AsyncAnthropic

TOOL: dict[str, Any] = {
    "name": "Read",
    "description": "Read a file.",
    "input_schema": {
        "type": "object",
        "properties": {"file_path": {"type": "string"}},
        "required": ["file_path"],
    },
}
CACHED = {"type": "ephemeral"}


async def main(url: str, prompt: str) -> None:
    client = AsyncAnthropic(base_url=url, api_key="sk-ant-scripted", max_retries=0)
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": prompt}]}]
    while True:
        blocks = await reply(client, messages)
        messages.append({"role": "assistant", "content": blocks})
        calls = [it for it in blocks if it["type"] == "tool_use"]
        if not calls:
            return
        messages.append({"role": "user", "content": [read(it) for it in calls]})


async def reply(client: AsyncAnthropic, messages: list[Any]) -> list[dict[str, Any]]:
    """The blocks of one streamed reply."""
    blocks: list[dict[str, Any]] = []
    pieces: list[list[str]] = []
    marked = [*messages[:-1], {**messages[-1], "content": _marked(messages[-1]["content"])}]
    stream = await client.messages.create(
        model="claude-opus-5-5", max_tokens=8000, system="You read files.", tools=[TOOL], messages=marked, stream=True
    )  # fmt: skip
    async for event in stream:
        if event.type == "content_block_start":
            blocks.append(event.content_block.model_dump(include={"type", "id", "name", "text"}))
            pieces.append([])
        elif event.type == "content_block_delta" and event.delta.type in ("text_delta", "input_json_delta"):
            pieces[-1].append(event.delta.text if event.delta.type == "text_delta" else event.delta.partial_json)
    for block, said in zip(blocks, pieces, strict=True):
        if block["type"] == "tool_use":
            block["input"] = json.loads("".join(said) or "{}")
        else:
            block["text"] = "".join(said)
    return blocks


def read(call: dict[str, Any]) -> dict[str, Any]:
    lines = Path(call["input"]["file_path"]).read_text().splitlines()
    text = "\n".join(f"{n}\t{line}" for n, line in enumerate(lines, 1))
    return {"type": "tool_result", "tool_use_id": call["id"], "content": text}


def _marked(content: list[Any]) -> list[Any]:
    return [*content[:-1], {**content[-1], "cache_control": CACHED}]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
