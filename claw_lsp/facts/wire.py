"""One message between client and server as it is kept for developers: that it was there, and never the text of files."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class WireMessage(BaseModel):
    """`at` in Unix seconds, `size` in bytes, `ms` how long an answer took; `method` is that of the request for an answer.
    `said` is a short piece of what it says, without credentials, for methods that carry no text of files; `session` the
    one it names. `lost` messages before this one could not be kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    at: float
    to: Literal["server", "client"]
    kind: Literal["request", "answer", "notification"]
    method: str
    size: int
    id: int | str | None = None
    ms: float | None = None
    said: str = ""
    fault: str = ""
    session: str = ""
    lost: int = 0
