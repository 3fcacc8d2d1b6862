# One image for each service, from one file:
#
#   docker build --build-arg PACKAGE=chat --tag tertulia-chat:0.1.0 .
#
# PACKAGE is chat, notify, gateway, search, bot or analytics. EXTRAS=local gives the bot's image the local model, and
# EXTRAS=embedded analytics' a ClickHouse inside the process.
# What runs is named by the command: `tertulia_chat api`, `tertulia_chat relay`, `tertulia_gateway`, …
# tools/try_image.py runs these very instructions without a Docker engine.
ARG PACKAGE

FROM node:22.20.0-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM python:3.11.14-bookworm AS build
ARG PACKAGE
ARG EXTRAS=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# Dependencies first: their layer stays while only our own code changes. Every one is checked against its hash.
COPY pyproject.toml requirements.lock ./
COPY tools/requirements_of.py tools/
COPY libs/shared/pyproject.toml libs/shared/
COPY services/${PACKAGE}/pyproject.toml services/${PACKAGE}/
RUN python tools/requirements_of.py "tertulia-${PACKAGE}[${EXTRAS}]" > /tmp/needed.txt \
    && python tools/requirements_of.py hatchling > /tmp/backend.txt \
    && python -m venv --without-pip /app \
    && python -m venv /tmp/backend \
    && python -m pip --python /app/bin/python install --require-hashes --no-deps -r /tmp/needed.txt \
    && python -m pip --python /tmp/backend/bin/python install --require-hashes --no-deps -r /tmp/backend.txt
COPY libs/shared/ libs/shared/
COPY services/${PACKAGE}/ services/${PACKAGE}/
RUN /tmp/backend/bin/python -m pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /tmp/wheels \
        ./libs/shared "./services/${PACKAGE}" \
    && python -m pip --python /app/bin/python install --no-deps --no-index /tmp/wheels/*.whl \
    && mkdir -p /data \
    # llama.cpp computes with OpenMP, which the slim image lacks.
    && if [ -n "${EXTRAS}" ]; then cp -L /usr/lib/*-linux-gnu/libgomp.so.1 /app/lib/; fi

FROM python:3.11.14-slim-bookworm AS runtime
ARG PACKAGE
LABEL org.opencontainers.image.title="tertulia-${PACKAGE}" \
      org.opencontainers.image.description="Tertulia, team chat that you host yourself: ${PACKAGE}" \
      org.opencontainers.image.licenses="Apache-2.0"
# Nothing is written outside /data (embedded engines only) and /tmp, so the root file system can be read-only.
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000
COPY --from=build /app /app
COPY --from=build --chown=10001:10001 /data /data
WORKDIR /data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=1s \
    CMD ["python", "-S", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
ENTRYPOINT ["python", "-m"]

FROM runtime AS image-chat
FROM runtime AS image-notify
FROM runtime AS image-search
FROM runtime AS image-analytics

FROM runtime AS image-bot
ENV LD_LIBRARY_PATH=/app/lib:/usr/local/lib

FROM runtime AS image-gateway
ENV WEB_DIR=/app/web
COPY --from=web /src/web/dist /app/web

# hadolint ignore=DL3006
FROM image-${PACKAGE}
