"""How the loops are compiled: on first use, and kept on disk where that can be done."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
from numba.core.caching import FunctionCache

Loop = TypeVar("Loop", bound=Callable[..., Any])

_ANY_ORDER: Final = {"contract", "reassoc", "nsz"}


class _KeptIfPossible(FunctionCache):
    """Numba's cache on disk, but a full disk costs the time to compile and not the work."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        with contextlib.suppress(OSError):
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]


def compiled(function: Loop) -> Loop:
    """Compiled on first use and kept beside the source, or for this process only where nothing can be written."""
    return _made(function)


def reordered(function: Loop) -> Loop:
    """Compiled with sums in any order and multiplications fused into them: only for sums that are exact."""
    return _made(function, fastmath=_ANY_ORDER)


def _made(function: Loop, **options: Any) -> Loop:
    made = numba.njit(nogil=True, error_model="numpy", **options)(function)
    # A dispatcher is none where compiling is switched off. No place to write at all is a RuntimeError.
    if hasattr(made, "enable_caching"):
        with contextlib.suppress(RuntimeError):
            made._cache = _KeptIfPossible(made.py_func)  # type: ignore[no-untyped-call]
    return cast(Loop, made)
