"""Training of the YOLOv8 detector; ``fit`` needs requirements/perception-train.txt (AGPL-3.0)."""
