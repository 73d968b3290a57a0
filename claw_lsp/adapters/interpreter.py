"""The interpreter itself, while hundreds of modules are imported at once, or thousands of facts are read.

Its collector would walk everything imported so far again and again, stopping every thread for up to 0.1 s. Modules are
no garbage: what was imported here is never looked at again.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final

_INTERVAL: Final = sys.getswitchinterval()
_THRESHOLD: Final = gc.get_threshold()
_SHORT: Final = 0.001
_ARENA_MAX: Final = -8
"""M_ARENA_MAX of <malloc.h>."""
_YOUNG_ONLY: Final = (10_000, 1_000_000, 1_000_000)


def share_arenas() -> None:
    """Threads share two heaps from here on. The C library of most Linux systems gives each its own, and of what one thread
    freed no other gets anything: 2 MB with the threads that imports and files are read in. Elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    # Needed by the sandbox anyway, and not before the handshake.
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


@contextmanager
def starting() -> Generator[None]:
    """While the process starts and somebody waits: only what is new is looked at, which saves a tenth of the time. Without that
    the classes of the protocol leave 9 MB of garbage, which would be kept for good with what was imported."""
    gc.set_threshold(*_YOUNG_ONLY)
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*_THRESHOLD)


@contextmanager
def importing() -> Generator[None]:
    """In a thread beside the loop, which gets its turns often and waits for nothing long. New garbage is collected:
    without that the SDK's import leaves 10 MB of it."""
    gc.set_threshold(*_YOUNG_ONLY)
    sys.setswitchinterval(_SHORT)
    try:
        yield
    finally:
        sys.setswitchinterval(_INTERVAL)
        gc.freeze()
        gc.set_threshold(*_THRESHOLD)


@contextmanager
def reading() -> Generator[None]:
    """While values by the thousand are made in a thread beside the loop, none of them garbage: as `importing`, but what was
    read may be collected later."""
    gc.set_threshold(*_YOUNG_ONLY)
    sys.setswitchinterval(_SHORT)
    try:
        yield
    finally:
        sys.setswitchinterval(_INTERVAL)
        gc.set_threshold(*_THRESHOLD)
