"""Front door 3: the editor's truth for other agents, as an MCP server."""
