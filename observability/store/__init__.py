"""Where logs and profiles live: local files, S3 and GCS, read strictly and in bounded memory."""
