"""The Miss You backend: one presses a button, the other's phone says so, in words that an AI wrote."""
