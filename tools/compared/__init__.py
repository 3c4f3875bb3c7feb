"""A complete account of what AWS's describe calls answer: which members are compared, and why the others are not.

`python -m tools.compared` writes docs/compared-fields.md. A test keeps the account complete against botocore's models.
"""
