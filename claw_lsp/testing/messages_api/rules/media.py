"""Rules about images and PDF documents: what they say they are must be what they are."""

import base64
import binascii
import io
from collections.abc import Iterator
from typing import Final

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from claw_lsp.testing.messages_api.rules.asked import Asked, numbered_blocks
from claw_lsp.testing.messages_api.shapes import Base64Source, ContentSource, Document, Image, ToolResult, UrlSource

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_PAGES: Final = 600
_IMAGES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")


def images_are_what_they_say(asked: Asked) -> Iterator[str]:
    for where, image in _images(asked):
        if isinstance(image.source, Base64Source):
            yield from _image_faults(f"{where}.image.source.base64", image.source)


def documents_are_readable(asked: Asked) -> Iterator[str]:
    for where, document in _documents(asked):
        if isinstance(document.source, Base64Source):
            yield from _pdf_faults(f"{where}.document.source.base64", document.source)


def urls_are_https(asked: Asked) -> Iterator[str]:
    for where, block in (*_images(asked), *_documents(asked)):
        if isinstance(block.source, UrlSource) and not block.source.url.startswith("https://"):
            yield f"{where}.{block.type}.source.url: Only HTTPS URLs are supported."


def _image_faults(where: str, source: Base64Source) -> Iterator[str]:
    if source.media_type not in _IMAGES:
        yield f"{where}.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
    elif len(source.data) > MOST_BYTES:
        yield f"{where}: image exceeds 10 MB maximum: {len(source.data)} bytes > {MOST_BYTES} bytes"
    elif (data := _decoded(source.data)) is None:
        yield f"{where}.data: Invalid base64 data"
    elif (kind := _kind(data)) is None:
        yield f"{where}: Could not process image"
    elif kind != source.media_type:
        yield (
            f"{where}.media_type: Image does not match the provided media type {source.media_type}: "
            f"the data looks like {kind}"
        )


def _pdf_faults(where: str, source: Base64Source) -> Iterator[str]:
    if source.media_type != "application/pdf":
        yield f"{where}.media_type: Input should be 'application/pdf'"
        return
    data = _decoded(source.data)
    if data is None:
        yield f"{where}.data: Invalid base64 data"
        return
    if not data.startswith(b"%PDF-"):
        yield f"{where}.data: The PDF specified was not valid."
        return
    try:
        reader = PdfReader(io.BytesIO(data))
        n_pages = 0 if reader.is_encrypted else len(reader.pages)
    except (PyPdfError, ValueError, KeyError, RecursionError):
        yield f"{where}.data: The PDF specified was not valid."
        return
    if reader.is_encrypted:
        yield f"{where}.data: The PDF specified is password protected."
    elif n_pages == 0:
        yield f"{where}.data: The PDF specified was not valid."
    elif n_pages > MOST_PAGES:
        yield f"{where}.data: A maximum of {MOST_PAGES} PDF pages may be provided."


def _kind(data: bytes) -> str | None:
    """The media type that the first bytes belong to."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data.startswith(b"RIFF") and data[8:12] == b"WEBP" else None


def _decoded(data: str) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _media(asked: Asked) -> Iterator[tuple[str, object]]:
    for where, _, block in numbered_blocks(asked):
        yield where, block
        if isinstance(block, ToolResult):
            yield from ((f"{where}.tool_result.content.{n}", it) for n, it in enumerate(block.content))
        elif isinstance(block, Document) and isinstance(block.source, ContentSource):
            yield from ((f"{where}.document.source.content.{n}", it) for n, it in enumerate(block.source.content))


def _images(asked: Asked) -> Iterator[tuple[str, Image]]:
    return ((where, it) for where, it in _media(asked) if isinstance(it, Image))


def _documents(asked: Asked) -> Iterator[tuple[str, Document]]:
    return ((where, it) for where, it in _media(asked) if isinstance(it, Document))


RULES = (images_are_what_they_say, documents_are_readable, urls_are_https)
