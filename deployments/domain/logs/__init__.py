"""Lines that containers write: their text as a person reads it, and how severe they are."""
