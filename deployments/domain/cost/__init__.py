"""What things cost: SKUs and rules make prices, prices make estimates, intervals make the ledger. Pure."""
