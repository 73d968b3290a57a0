"""MCP servers of the outside world: what is configured, how one logs in, and the connections."""
