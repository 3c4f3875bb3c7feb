"""Faults that the control endpoint injects: which calls meet one, and what it does to them."""
