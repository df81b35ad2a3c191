"""Closed windows become verdicts: shells that read states, ask the pure rules, and write rows."""
