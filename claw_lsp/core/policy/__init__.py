"""Who decides whether a plan may be performed."""
