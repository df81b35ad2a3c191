"""What is kept of a column: additive states, their bytes, and profiles of many of them."""
