"""Results of windows: verdicts against a reference, findings about the data, rules; pure, whoever keeps them."""
