"""Two profiles side by side: statistics, their noise, and verdicts."""
