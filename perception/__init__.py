"""Camera frame in, object states out: cameras, detectors, geometry, tracking, calibration, training.

Frames of reference: *camera* is the optical frame of the colour image (x right, y down, z forward), *base*
the robot's base (x away from the robot, y left, z up), *hand* the point between the finger tips. A transform
``a_from_b`` (4, 4) takes points given in b to a. Lengths in metres, times in seconds.
"""
