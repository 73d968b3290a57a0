"""The chat document: what stands in it, how it is read, and how an answer is woven into it while a person types."""
