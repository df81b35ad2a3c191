"""Models that sleep at night: `schedule` says when, `plan` what to do about it now, `dialects` what other downscalers
understand. Pure: every instant is an argument, nothing is read but the pinned time zones and holiday sets."""
