"""What keeps the supply chain in order. Run by the Makefile, and no part of what is shipped."""
