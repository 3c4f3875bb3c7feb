"""A generic reconciler: desired graph and observations in; a plan, its execution and a report out.

Knows neither AWS nor Kubernetes: resource types come in as subclasses of `Resource`, and the handle they work through
(`cloud`) is passed along untouched.
"""
