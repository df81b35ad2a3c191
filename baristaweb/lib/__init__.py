"""Leaf helpers used by both apps; they import nothing of ours."""
