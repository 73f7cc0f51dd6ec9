"""From a colour picture to boxes and masks with classes."""
