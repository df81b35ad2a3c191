"""Clusters on Google Cloud by name: where they are, what Google says of them, what is missing to reach them."""
