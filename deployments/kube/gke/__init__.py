"""Clusters on Google by name: their addresses from the Container API, tokens from google-auth."""
