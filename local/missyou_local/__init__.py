"""The local cloud: a Kubernetes control plane and a test AWS for `make demo` and the tests."""
