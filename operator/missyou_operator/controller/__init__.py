"""The operator itself: events in, passes run, status and Events out. kopf is known to `handlers`, `loop`, `serving`."""
