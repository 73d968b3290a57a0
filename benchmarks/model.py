"""`python -m benchmarks.model FOLDER`: the scripted Messages API in a process of its own.

The first line on stdout is its URL; when stdin ends it prints one line of JSON: what it saw.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.script import scenario
from claw_lsp.testing.messages_api import MessagesApi


async def main(folder: Path) -> None:
    async with MessagesApi(scenario(folder)) as api:
        print(api.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(json.dumps(_seen(api)))


def _seen(api: MessagesApi) -> dict[str, Any]:
    first = api.requests[0] if api.requests else None
    parts = ("system", "tools")
    return {
        "times": [(it.arrived, it.finished) for it in api.requests],
        "refusals": [it.refusal for it in api.requests if it.refusal],
        "first_bytes": first.n_bytes if first else 0,
        "fixed_bytes": sum(len(json.dumps(first.body.get(it), separators=(",", ":")).encode()) for it in parts)
        if first
        else 0,
        "n_tools": len(first.tool_names) if first else 0,
        "cache": [(it.read, it.best) for it in api.cache_report().lines],
    }


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
