"""The spec of a deployment: its values, its stored form, its fields, and what is wrong with one."""
