"""How long to wait before the provider is asked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Final

TRIES: Final = 10
OBEYED: Final = 60.0
"""The longest wait the provider may ask for; past it the person is told instead of kept waiting."""

_FIRST: Final = 0.5
_LONGEST: Final = 8.0
_JITTER: Final = 0.25


def pause(n_failed: int, asked: float | None, dice: Callable[[], float]) -> float:
    """Seconds to wait after the n-th failure: what the provider asked for, else 0.5 doubled up to 8, less up to 25 %.

    `dice` answers from 0 up to 1; clients that failed together so come back apart.
    """
    if asked is not None and 0 < asked <= OBEYED:
        return asked
    step = min(_FIRST * 2.0 ** (n_failed - 1), _LONGEST)
    return step * (1 - _JITTER * dice())


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """The wait that `retry-after-ms` or `retry-after` (seconds or a date) asks for; None without a usable one."""
    for text, unit in ((headers.get("retry-after-ms"), 1e-3), (headers.get("retry-after"), 1.0)):
        try:
            seconds = float(text or "") * unit
        except ValueError:
            continue
        if isfinite(seconds):
            return max(seconds, 0.0)
    # The email package is slow to import, and dates are rare.
    from email.utils import mktime_tz, parsedate_tz

    date = parsedate_tz(headers.get("retry-after") or "")
    return None if date is None else max(mktime_tz(date) - now, 0.0)
