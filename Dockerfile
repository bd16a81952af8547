# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /build
COPY pyproject.toml setup.py README.md LICENSE ./
COPY liveresize liveresize
RUN python -m venv /opt/liveresize \
    && /opt/liveresize/bin/pip install --no-cache-dir .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /srv/liveresize liveresize \
    && install -d -o liveresize /srv/liveresize/config /srv/liveresize/data
COPY --from=build /opt/liveresize /opt/liveresize
ENV PATH=/opt/liveresize/bin:$PATH \
    LIVERESIZE_LISTEN_ADDRESS=0.0.0.0
WORKDIR /srv/liveresize
USER 10001
VOLUME /srv/liveresize/data
EXPOSE 1337
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', 1337)}/_live\", timeout=2)"]
CMD ["liveresize", "serve"]
