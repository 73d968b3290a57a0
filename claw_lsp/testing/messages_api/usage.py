"""The usage block of a response: counted, not billed. A token is 3.5 UTF-8 bytes of JSON text, rounded up."""

from claw_lsp.testing.messages_api.cache import CacheUse
from claw_lsp.testing.messages_api.prompt import tokens_of
from claw_lsp.testing.messages_api.shapes import JsonObject


def usage_of(use: CacheUse, blocks: list[JsonObject]) -> JsonObject:
    """What the request read and the blocks of its reply cost."""
    thinking = [it for it in blocks if it["type"] in ("thinking", "redacted_thinking")]
    searches = sum(1 for it in blocks if it["type"] == "server_tool_use" and it["name"] == "web_search")
    fetches = sum(1 for it in blocks if it["type"] == "server_tool_use" and it["name"] == "web_fetch")
    server = {"web_search_requests": searches, "web_fetch_requests": fetches}
    return {
        "input_tokens": use.uncached,
        "cache_creation_input_tokens": use.written_5m + use.written_1h,
        "cache_read_input_tokens": use.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": use.written_5m,
            "ephemeral_1h_input_tokens": use.written_1h,
        },
        "output_tokens": tokens_of(blocks) if blocks else 0,
        "output_tokens_details": {"thinking_tokens": tokens_of(thinking) if thinking else 0},
        "server_tool_use": server if searches or fetches else None,
        "service_tier": "standard",
    }
