"""The Messages API as a script: a real HTTP server on loopback that validates, counts and fails as the real one does.

```python
scenario = script(
    Reply(content=("Renaming it.", ToolUse(name="Edit", input={"file_path": "{{cwd}}/calc.py"}))),
    "Done.",
)
async with MessagesApi(scenario.with_values(cwd=str(folder))) as api:
    client = anthropic.AsyncAnthropic(base_url=api.url, api_key="sk-ant-scripted", max_retries=0)
```
"""

from claw_lsp.testing.messages_api.cache import CacheLine, CacheReport
from claw_lsp.testing.messages_api.local import LocalServer
from claw_lsp.testing.messages_api.recorded import Recorded
from claw_lsp.testing.messages_api.scenario import (
    BrokenEvent,
    CleanEnd,
    Drop,
    ErrorEvent,
    Found,
    Improvised,
    Match,
    Ping,
    Raw,
    RedactedThinking,
    Reply,
    Scenario,
    ServerToolUse,
    Stall,
    Status,
    StopDetails,
    Text,
    Thinking,
    ToolUse,
    UnknownEvent,
    WebSearchToolResult,
    load_scenario,
    script,
)
from claw_lsp.testing.messages_api.server import MessagesApi

__all__ = [
    "BrokenEvent",
    "CacheLine",
    "CacheReport",
    "CleanEnd",
    "Drop",
    "ErrorEvent",
    "Found",
    "Improvised",
    "LocalServer",
    "Match",
    "MessagesApi",
    "Ping",
    "Raw",
    "Recorded",
    "RedactedThinking",
    "Reply",
    "Scenario",
    "ServerToolUse",
    "Stall",
    "Status",
    "StopDetails",
    "Text",
    "Thinking",
    "ToolUse",
    "UnknownEvent",
    "WebSearchToolResult",
    "load_scenario",
    "script",
]
