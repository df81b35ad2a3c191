"""Writes: one transaction each, its audit event last; workers do the rest after commit."""
