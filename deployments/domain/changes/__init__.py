"""What a change does: differences, drift, promotion, warnings."""
