"""What is wrong with a well-shaped spec, by section of the form."""
