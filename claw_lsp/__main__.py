"""`python -m claw_lsp` is `claw-lsp`."""

import sys

from claw_lsp.cli import main

if __name__ == "__main__":
    sys.exit(main())
