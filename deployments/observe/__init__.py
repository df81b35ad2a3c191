"""The shell around one cluster: list and watch -> status (pure) -> rows. Late answers never overwrite newer ones."""

from deployments.observe.rows import refresh
from deployments.observe.watcher import ClusterWatcher

__all__ = ["ClusterWatcher", "refresh"]
