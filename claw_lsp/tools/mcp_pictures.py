"""Images that servers send, as the provider takes them: what it would refuse is told in words instead."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from claw_lsp.core.escape import one_line
from claw_lsp.facts.call import Block
from claw_lsp.facts.fault import ToolError
from claw_lsp.tools.read_image import IMAGE_LIMIT, image_block

MOST = 20
"""Images of one result that the model is shown."""


def sendable(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """The blocks, each image with the type that its bytes have; one that cannot be shown is a text that says why."""
    found: list[Block] = []
    n_shown = 0
    for it in blocks:
        if it.get("type") == "image":
            it = _shown(it) if n_shown < MOST else _left_out(f"more than {MOST} in one result")
            n_shown += it["type"] == "image"
        found.append(it)
    return tuple(found)


def _shown(image: Block) -> Block:
    encoded = str(image["source"]["data"])
    if len(encoded) * 3 // 4 > IMAGE_LIMIT:
        return _left_out(f"over {IMAGE_LIMIT // 1024 // 1024} MB")
    try:
        data = base64.b64decode(encoded, validate=True)
        return image_block(f"What the server calls {one_line(str(image['source']['media_type']), 60)}", data)[0]
    except (binascii.Error, ValueError):
        return _left_out("its data is no base64")
    except ToolError as error:
        return _left_out(str(error))


def _left_out(why: str) -> Block:
    return {"type": "text", "text": f"[An image is left out: {why}]"}
