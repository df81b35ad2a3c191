"""What to do now: effective replicas, waves, the early start, and the account of what a sleep released."""
