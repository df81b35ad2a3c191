"""Texts that people type: quantities, names, images, and what looks like a secret."""
