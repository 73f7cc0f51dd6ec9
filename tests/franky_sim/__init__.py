"""The FR3 of the package franky-sim (PyPI), dynamics and contacts included, with table and puck.

``scripts/test-robot.sh`` makes the environment that it needs and runs the tests with it.
"""
