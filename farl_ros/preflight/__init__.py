"""What must be right before an arm moves: one small probe for each fact, one pure check that judges it."""
