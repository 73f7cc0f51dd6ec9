"""Input devices: what a person's hand does becomes actions like those of a policy."""
