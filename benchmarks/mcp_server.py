"""`python -m benchmarks.mcp_server [SECONDS]`: a small MCP server of ten tools over stdio, without the SDK so that it starts at once; it
answers nothing for so many seconds first."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

TOOLS = [
    {
        "name": f"tool_{n}",
        "description": f"Does the {n}th of the things that this server can do.",
        "inputSchema": {"type": "object", "properties": {"what": {"type": "string"}}},
    }
    for n in range(10)
]


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    match method:
        case "initialize":
            return {
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "small", "version": "1"},
            }
        case "tools/list":
            return {"tools": TOOLS}
        case "tools/call":
            return {"content": [{"type": "text", "text": "done"}]}
        case "ping":
            return {}
        case _:
            return None


def main() -> None:
    time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else 0)
    for line in sys.stdin:
        said = json.loads(line)
        if "id" not in said or "method" not in said:
            continue
        found = answer(said["method"], said.get("params") or {})
        unknown = {"error": {"code": -32601, "message": f"There is no method {said['method']}."}}
        print(
            json.dumps({"jsonrpc": "2.0", "id": said["id"], **(unknown if found is None else {"result": found})}),
            flush=True,
        )


if __name__ == "__main__":
    main()
