"""claw-lsp as the language server of its own files: settings, hooks, MCP servers, skills, agents, plugins."""
