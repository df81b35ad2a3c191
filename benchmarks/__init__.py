"""Benchmarks: ours, a peer and the ratio on the same work. `make bench`, or `make bench ONLY=profile`."""
