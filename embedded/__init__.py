"""The one-machine stack behind `make demo` and `make test`: real PostgreSQL, Valkey and Kubernetes, without Docker."""
