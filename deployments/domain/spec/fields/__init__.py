"""One row per setting of a spec; whatever shows, reads, checks or compares a setting reads its row."""
