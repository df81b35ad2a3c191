"""What other downscalers understand: both kube-downscalers and kube-green, read and written."""
