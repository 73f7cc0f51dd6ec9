"""From single positions to tracked objects with velocity, age and certainty."""
