"""MCP at the door: what servers ask and offer, and whether other agents may ask us."""
