"""Pages of a deployment's data. They read rows; nothing here reads logs or reaches a cluster."""
