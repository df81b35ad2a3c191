"""What `manage.py seed_logs` writes: real logs of public packages, replayed onto the last days."""
