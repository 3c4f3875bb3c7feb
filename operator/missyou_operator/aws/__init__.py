"""All knowledge of AWS: one small class per resource type, and how accounts are read.

Each class says how its type is found, compared, created, changed, deleted and judged. Nothing outside this package
knows an AWS call, a state or an error code.
"""
