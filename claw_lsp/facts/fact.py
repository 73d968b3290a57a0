"""What every fact of a log is."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    """One thing that happened. Unknown fields of a later version are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    from_outside: ClassVar[bool] = False
    is_lasting: ClassVar[bool] = False

    @property
    def outside(self) -> bool:
        return self.from_outside

    @property
    def lasting(self) -> bool:
        return self.is_lasting
