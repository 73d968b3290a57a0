"""How fast it is, against a bare loop over the SDK and an empty language server, in one run: `python -m benchmarks`."""
