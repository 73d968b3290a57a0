"""One file per tool; each plans, then performs."""
