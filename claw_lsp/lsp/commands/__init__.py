"""The commands of `workspace/executeCommand`: one typed function each, by subject."""
