"""Where frames come from, and whether they can be believed."""
