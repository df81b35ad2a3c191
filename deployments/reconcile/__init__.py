"""The shell around one deployment: read the row, render (pure), apply with a fence, record. Idempotent, re-entrant."""

from deployments.reconcile.loop import Outcome, one

__all__ = ["Outcome", "one"]
