"""What the apps of a namespace may name in AWS: pure functions of MissYouTenants, namespaces and specs."""
