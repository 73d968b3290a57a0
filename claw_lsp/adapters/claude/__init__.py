"""The provider: the port Model over the Messages API of Anthropic, or of any endpoint that speaks it."""
