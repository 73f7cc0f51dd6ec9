"""Tests of the ROS graph."""
