"""How a column is folded: the specs people confirm."""
