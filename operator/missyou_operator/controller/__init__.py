"""The operator itself: events in, passes run, status and Events out. Only `handlers` imports kopf."""
