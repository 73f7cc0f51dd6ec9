"""ROS 2 nodes, bags, runs and the command line of failure-aware reinforcement learning."""
