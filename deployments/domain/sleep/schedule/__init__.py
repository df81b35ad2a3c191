"""When something sleeps: zones, windows, calendars, layers, the decision at an instant and what comes next."""
