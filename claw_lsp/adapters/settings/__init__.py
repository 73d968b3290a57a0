"""Settings files: what is read from them, what is not believed yet, and how a rule is remembered."""

from claw_lsp.adapters.settings.kept import LastGood
from claw_lsp.adapters.settings.layers import Loaded, examined, files_of, load
from claw_lsp.adapters.settings.managed import MANAGED, managed
from claw_lsp.adapters.settings.remember import RuleMemory
from claw_lsp.adapters.settings.trust import TrustRecord

__all__ = [
    "MANAGED",
    "LastGood",
    "Loaded",
    "RuleMemory",
    "TrustRecord",
    "examined",
    "files_of",
    "load",
    "managed",
]
