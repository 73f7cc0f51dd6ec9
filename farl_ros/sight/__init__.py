"""From the graph's messages to ``perception`` and back: frames in, the task's states out."""
