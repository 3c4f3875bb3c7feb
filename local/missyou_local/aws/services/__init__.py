"""The behaviours of the test AWS, by service."""
