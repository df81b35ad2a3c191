"""Geometry of charts that the server draws: numbers in, positions and paths out, for templates without scripts."""
