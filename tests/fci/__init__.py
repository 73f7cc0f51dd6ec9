"""An emulated Franka arm for tests: it speaks the robot's protocol (FCI) on loopback and can be broken.

``python -m tests.fci --version 10 --host 127.0.0.5`` starts one; lines on its standard input break it
(``tests/fci/__main__.py`` lists them). It knows kinematics and limits, no contacts and no masses.
"""
