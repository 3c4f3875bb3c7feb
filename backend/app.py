"""The Miss You backend: so far only the health check that the load balancer asks for."""

from __future__ import annotations

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.get("/health")
def health() -> Response:
    """Answer 200 while the process serves requests. It says nothing of the database, which is not used yet."""
    return jsonify(status="ok")
