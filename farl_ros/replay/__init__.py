"""A recording lived through again: in the simulator, in a shield, on the arm."""
