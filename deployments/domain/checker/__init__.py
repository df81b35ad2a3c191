"""A second look at rendered manifests; shares nothing with what renders them."""
