"""What stands around every request: middleware, before any view."""
