"""What is done with bags after they were recorded: looked at, checked, labelled, merged and split."""
