"""The wire under the language server: frames, JSON-RPC, life cycle; it knows no commands, chats or sessions."""
