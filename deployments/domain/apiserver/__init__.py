"""Reading what the API server says."""
