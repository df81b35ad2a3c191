"""From objects in a store to windows in the database: discover, claim, count in a child, replace, compact."""
