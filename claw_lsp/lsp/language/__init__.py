"""The chat document as a document of a language: completion, hover, symbols, folding, links. `chat` knows nothing of it."""
