"""Session logs as JSON lines: one file a session, append only, one writer, 0600 in folders of 0700.

`<root>/projects/<slug>/<session>.jsonl` begins with a header line. Beside it, all of them without loss if they go missing
but the first: `.partial` holds streamed text that has no ModelSpoke yet, `.lock` says who writes, `.index` what lists show.
"""

from claw_lsp.adapters.jsonl.archive import JsonlArchive
from claw_lsp.adapters.jsonl.files import Files

__all__ = ["Files", "JsonlArchive"]
