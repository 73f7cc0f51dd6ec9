"""The paper's three real-robot tasks on a simulated Franka Panda: a twin of the table, not of the metal.

Robot base frame: x away from the robot, y to its left, z up, the table's surface at z = 0; metres.
"""
