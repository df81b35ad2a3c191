"""The gateway to clusters. Only `client` imports the Kubernetes client library; nothing above sees its types."""
