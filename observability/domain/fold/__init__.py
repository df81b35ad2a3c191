"""From batches of rows to states."""
