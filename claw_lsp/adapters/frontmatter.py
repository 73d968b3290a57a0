"""The YAML between two lines of dashes at the top of a Markdown file: rules, skills and agents say there what they are."""

from __future__ import annotations

import re
from typing import Any, cast

import yaml

_FRONT = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)(?:^|\n)---[ \t]*(?:\r?\n|$)", re.DOTALL)


def split(text: str) -> tuple[dict[str, Any], str]:
    """What the top says and the text below it. A top that is no YAML map says nothing, and is left out of the text."""
    found = _FRONT.match(text)
    if not found:
        return {}, text
    try:
        front: object = yaml.safe_load(found[1])
    except (yaml.YAMLError, RecursionError, ValueError):
        front = None
    return cast("dict[str, Any]", front) if isinstance(front, dict) else {}, text[found.end() :]


def texts(front: dict[str, Any], name: str) -> tuple[str, ...]:
    """A field that is a list of texts, or one text with commas; () for anything else."""
    value = front.get(name)
    parts = (
        value.split(",") if isinstance(value, str) else cast("list[object]", value) if isinstance(value, list) else []
    )
    return tuple(it.strip() for it in parts if isinstance(it, str) and it.strip())
