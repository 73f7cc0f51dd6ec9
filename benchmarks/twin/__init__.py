"""The paper's robot experiment on the simulated Panda."""
