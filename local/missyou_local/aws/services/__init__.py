"""What the test AWS plays, by service."""
