"""Compiled loops over rows: the ground floor that knows nothing of features."""
