"""From what was observed to one state with a reason."""
