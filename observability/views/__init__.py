"""Pages of log sources and of data. They read rows; nothing here reads logs or reaches a cluster."""
