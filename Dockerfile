# syntax=docker/dockerfile:1
# Packages of a stable Debian are not pinned: their versions move with its security fixes.
# hadolint global ignore=DL3008
# `resident server` in a container: one binary, one volume. Build it in the folder of this file:
#   docker build --tag resident .
#   docker run --publish 127.0.0.1:8283:8283 --volume resident:/data --env RESIDENT_SERVER_TOKEN=… resident

FROM node:20-bookworm-slim AS ui
WORKDIR /source/ui
COPY ui/package.json ui/package-lock.json ./
RUN npm ci
COPY ui ./
RUN npm run build

FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends cmake libdbus-1-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
COPY --from=ui /source/ui/dist ui/dist
RUN cargo build --release --locked --package resident-cli --bin resident

# The two default models, checked against the manifest, so that the first message needs no network.
FROM build AS models
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-pip \
    && rm -rf /var/lib/apt/lists/*
RUN cargo run --release --locked --package xtask --features xtask/models --bin xtask-models -- /models

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl libdbus-1-3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin resident \
    && install --directory --owner resident --group resident --mode 0700 /data
COPY --from=build /source/target/release/resident /usr/local/bin/resident
COPY --from=models /models /usr/local/lib/Resident/models
ENV RESIDENT_HOME=/data
USER 10001
VOLUME /data
EXPOSE 8283
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8283/v1/health/"]
# Inside the container every address is meant; who reaches it from outside is decided by what is published, and by the
# token, which is made at the first start and kept in the volume unless RESIDENT_SERVER_TOKEN gives one.
ENTRYPOINT ["resident", "server", "--host", "0.0.0.0"]
