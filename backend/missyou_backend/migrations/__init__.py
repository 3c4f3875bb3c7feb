"""The schema's history, for alembic. Every change of `schema.py` gets a revision here; tests hold them together."""
