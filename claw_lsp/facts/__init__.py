"""What can be true: every value that two floors share."""
