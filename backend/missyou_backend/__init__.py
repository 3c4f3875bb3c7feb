"""The Miss You backend: one person presses a button, and the other's phone shows it, in words that an AI wrote."""
