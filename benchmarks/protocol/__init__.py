"""The FailureBench protocol in parts; ``benchmarks/failurebench.py`` puts them together."""
