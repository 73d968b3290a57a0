"""What the model is told: Markdown files, read once."""
