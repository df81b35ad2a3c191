"""Who runs the fold: local threads or Spark. Same kernel, same bytes."""
