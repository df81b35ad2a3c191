"""The form of a spec."""
