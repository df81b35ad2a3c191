"""Pure core: feature specs, the fold kernel, profiles and comparisons. NumPy and Arrow only; no clock, no I/O."""
