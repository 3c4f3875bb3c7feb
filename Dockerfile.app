# The Miss You backend. Built with: docker build -f Dockerfile.app -t <repository>:<tag> .
FROM python:3.11-slim
WORKDIR /app
COPY backend/requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY backend/app.py .
USER 65532:65532
ENV PORT=8000
CMD ["sh", "-c", "exec gunicorn --bind 0.0.0.0:${PORT} --workers 2 --access-logfile - app:app"]
