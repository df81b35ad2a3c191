"""What surrounds every page: middleware, pages of errors, the context of all templates."""
