"""The method: failure-aware reinforcement learning (FARL, arXiv 2601.07821) in NumPy and PyTorch."""
