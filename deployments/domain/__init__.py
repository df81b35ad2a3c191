"""The pure core: frozen values in, frozen values out. No clock, database, network or framework may be imported here."""
