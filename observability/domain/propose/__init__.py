"""Proposing specs from a sample of a log."""
