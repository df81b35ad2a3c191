"""Where logs come from: location templates, places that may be read, windows and their ends, schemas."""
