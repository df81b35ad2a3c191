"""The numbers that other tools would print for the same data."""
