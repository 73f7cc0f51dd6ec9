"""Topics of a camera, named as RealSense's driver for ROS 2 names them."""

COLOUR = "camera/color/image_raw"
DEPTH = "camera/aligned_depth_to_color/image_raw"
INFO = "camera/color/camera_info"
