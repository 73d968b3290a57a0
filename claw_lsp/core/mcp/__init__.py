"""What is pure about MCP servers: names, the page about them."""
