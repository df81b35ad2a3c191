"""Observability: prediction logs become small additive profiles; everything else is computed from them."""
