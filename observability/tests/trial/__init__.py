"""A trial of the importer: files change, workers and readers are killed, and the counts must be those of one pass."""
