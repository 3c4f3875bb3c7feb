# The Miss You backend. Build: docker build -f Dockerfile.app -t <repository>:<tag> .
# The digest is what counts; the tag is for people and Dependabot. docs/supply-chain.md says where it is from.
FROM python:3.11.15-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3 AS base

FROM base AS build
# The same installer and hashes as on a developer's machine.
WORKDIR /setup
COPY pyproject.toml requirements-uv.lock ./
COPY tools/setup_venv.py tools/installer.py tools/uv.py tools/
COPY backend/requirements.lock backend/requirements.lock
RUN XDG_CACHE_HOME=/tmp/cache python tools/setup_venv.py backend /venv
COPY backend/missyou_backend /app/missyou_backend
# Compiled now, since the file system may be read-only at run time; unchecked, since nothing changes there.
RUN /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /venv /app

FROM base
RUN rm -rf /usr/local/lib/python3.11/site-packages/* /usr/local/lib/python3.11/ensurepip /usr/local/bin/pip*
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PORT=8000
USER 65532:65532
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/live', timeout=4)"]
ENTRYPOINT ["python", "-m", "missyou_backend"]
