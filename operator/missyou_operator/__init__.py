"""The MissYouApp operator: one custom resource in, one whole AWS stack out, kept true.

Layers, each ignorant of the ones above it: `engine`, then `aws` and `api`, then `stack`, then `controller` and `cli`.
"""
