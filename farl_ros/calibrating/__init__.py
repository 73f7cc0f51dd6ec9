"""Calibrating the camera with a person: pictures and arm poses in, the calibration file out."""
