"""Deployments of models: their specs, clusters, people and audit."""
