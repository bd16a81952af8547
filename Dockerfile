# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/liveresize
# What it was tried with, to the byte; it changes less often than the code, which comes after.
COPY deploy/requirements.txt ./
RUN /opt/liveresize/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY liveresize liveresize
RUN /opt/liveresize/bin/pip install --no-cache-dir --no-deps . \
    && /opt/liveresize/bin/pip uninstall --yes --quiet pip

FROM python:3.13-slim
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="liveresize" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.description="A live image resizer that a team runs on its own machines" \
      org.opencontainers.image.licenses="MIT"
# The number counts where volumes are mounted: files belong to it, whatever it is called there.
RUN useradd --system --uid 10001 --home-dir /srv/liveresize --shell /usr/sbin/nologin liveresize \
    && install -d -o liveresize -g liveresize -m 750 /srv/liveresize /srv/liveresize/data \
    && install -d /etc/liveresize
COPY --from=build /opt/liveresize /opt/liveresize
ENV PATH=/opt/liveresize/bin:$PATH \
    NODE_ENV=production \
    NODE_CONFIG_DIR=/etc/liveresize \
    LIVERESIZE_LISTEN_ADDRESS=0.0.0.0 \
    LIVERESIZE_DATA_DIR=/srv/liveresize/data
WORKDIR /srv/liveresize
USER 10001:10001
# The root may be read-only (docker run --read-only --tmpfs /tmp): all that is written is in
# data; settings are read from /etc/liveresize, and from LIVERESIZE_… in the environment.
VOLUME ["/srv/liveresize/data", "/etc/liveresize"]
EXPOSE 1337
# SIGTERM drains: give it the time (docker run --stop-timeout 90).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', 1337)}/_live\", timeout=2)"]
ENTRYPOINT ["liveresize"]
CMD ["serve"]
