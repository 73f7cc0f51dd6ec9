"""Where the camera is: boards, lens check, hand-eye calibration, and the file that is believed or refused."""
