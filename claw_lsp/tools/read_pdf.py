"""The text of a PDF's pages."""

from __future__ import annotations

import asyncio
import io
import re

from claw_lsp.core.words import counted
from claw_lsp.facts.call import Result
from claw_lsp.facts.fault import ToolError

PDF_LIMIT = 32 * 1024 * 1024
MOST_PAGES, PAGES = 20, 10
"""Pages of one call at most, and where none are named."""
_CHARACTERS = 80_000


async def pdf_result(path: str, data: bytes, pages: str | None) -> Result:
    """The text of the pages asked for. Raises ToolError for pages that are not there and files that are no PDF."""
    if not data.startswith(b"%PDF-") and b"%PDF-" not in data[:1024]:
        raise ToolError(f"{path} is named like a PDF, but its bytes are none.")
    n_pages, texts = await asyncio.to_thread(_texts, path, data, pages)
    parts = [f"{path}: PDF, {counted(n_pages, 'page')}"]
    for number, text in texts:
        parts.append(
            f"--- page {number} ---\n{text.strip() or '[no text on this page: it may be a scan or a drawing]'}"
        )
    last = texts[-1][0]
    if pages is None and last < n_pages:
        parts.append(f'[Pages 1 to {last} of {n_pages}. Next: pages "{last + 1}-{min(last + PAGES, n_pages)}"]')
    content = "\n".join(parts)
    if len(content) > _CHARACTERS:
        content = content[:_CHARACTERS] + "\n[Cut here: too much text for one result. Ask for fewer pages.]"
    return Result(content=content, summary=counted(len(texts), "page"))


def pages_of(pages: str | None, n_pages: int) -> range:
    """The pages meant, from 1. Raises ToolError for what is no range, or is not in the document."""
    if pages is None:
        return range(1, min(PAGES, n_pages) + 1)
    found = re.fullmatch(r"\s*(\d{1,6})\s*(?:(-)\s*(\d{1,6})?)?\s*", pages)
    if found is None:
        raise ToolError(f'pages should be like "3", "1-5" or "7-"; found {pages!r}.')
    first = int(found[1])
    last = int(found[3]) if found[3] else min(n_pages, first + MOST_PAGES - 1) if found[2] else first
    if not 1 <= first <= last:
        raise ToolError(f'pages should count up from 1, like "1-5"; found {pages!r}.')
    if first > n_pages:
        raise ToolError(f"The document has {counted(n_pages, 'page')}; page {first} is past its end.")
    if last - first >= MOST_PAGES:
        raise ToolError(f"At most {MOST_PAGES} pages a call; {pages} are {last - first + 1}.")
    return range(first, min(last, n_pages) + 1)


def _texts(path: str, data: bytes, pages: str | None) -> tuple[int, list[tuple[int, str]]]:
    # pypdf takes a quarter of a second to import, and few sessions need it.
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ToolError(f"{path} is protected by a password; it cannot be read.")
        n_pages = len(reader.pages)
        if n_pages == 0:
            raise ToolError(f"{path} is a PDF without pages.")
        return n_pages, [(n, reader.pages[n - 1].extract_text()) for n in pages_of(pages, n_pages)]
    except DependencyError as error:
        raise ToolError(
            f"{path} is encrypted in a way that needs the package `cryptography`; it cannot be read."
        ) from error
    except (PyPdfError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise ToolError(f"{path} is a damaged PDF and cannot be read ({error}).") from error
