"""Writes, one module per noun: one transaction each, its audit event last, effects after commit."""
