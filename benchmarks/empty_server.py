"""`python -m benchmarks.empty_server`: a language server over pygls that offers nothing."""

from pygls.lsp.server import LanguageServer

if __name__ == "__main__":
    LanguageServer("empty", "0").start_io()
