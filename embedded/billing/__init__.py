"""A price list for the demo and the tests, and a server of it that speaks as Google's Cloud Billing Catalog does."""
