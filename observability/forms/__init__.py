"""Forms of log sources, and of the admin's stores."""
