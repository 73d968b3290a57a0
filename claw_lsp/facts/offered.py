"""Tools that came up, or went away, after a session began."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from claw_lsp.facts.fact import Fact


class ToolSpec(BaseModel):
    """A tool as the model was told of it; `side_by_side` calls may run at the same time as each other. The model sees a
    `deferred` one only once a search has found it."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str
    input_schema: dict[str, Any]
    side_by_side: bool = False
    deferred: bool = False


class ToolsOffered(Fact):
    """What servers offer changed. `tools` may be called from here on besides those of before, which stay as they were told;
    `gone` may not, until they are offered again. The model is told by `text`. Where a tool comes that is not deferred, a new
    prefix begins with it, in a turn that the model has answered in only when that turn has ended."""

    kind: Literal["tools_offered"] = "tools_offered"
    from_outside: ClassVar[bool] = True
    tools: tuple[ToolSpec, ...] = ()
    gone: tuple[str, ...] = ()
    text: str
