"""Case files: small stories of a person, a model and some files, played through the real language server."""
