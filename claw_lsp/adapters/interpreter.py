"""The interpreter itself, while hundreds of modules are imported at once."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

_USUAL: Final = sys.getswitchinterval()
_SHORT: Final = 0.001


@contextmanager
def importing() -> Generator[None]:
    """Around imports that take long, in any thread: they are a quarter quicker, and the loop gets its turns.

    The collector would walk everything imported so far again and again, stopping every thread for up to 0.1 s; modules
    are no garbage, so afterwards it never looks at them again.
    """
    gc.disable()
    sys.setswitchinterval(_SHORT)
    try:
        yield
    finally:
        sys.setswitchinterval(_USUAL)
        gc.freeze()
        gc.enable()
