"""Bags to and from the dataset formats of others: LeRobotDataset v3 and robomimic HDF5."""
