"""What pages and workers read: rows to domain objects; nothing is written."""
