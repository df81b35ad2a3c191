"""Pages of log sources."""
