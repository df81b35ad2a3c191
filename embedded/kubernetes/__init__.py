"""A real Kubernetes control plane with simulated nodes, built once from Go modules and run as plain child processes."""
