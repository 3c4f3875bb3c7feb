"""All knowledge of AWS: one small class per resource type, and how accounts are read.

Each class reads, compares, creates, changes and deletes its type, and reports its health. Nothing outside this package
knows an AWS call, a state or an error code.
"""
