"""What people may send: log sources, the admin's stores, baselines, rules, changes, ranges to compare."""
