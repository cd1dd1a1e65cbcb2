# syntax=docker/dockerfile:1
# Three images from one build: --target ingest and --target simnet hold no ClickHouse,
# as in a container the store is usually a server; --target ingest-embedded holds the
# embedded one, for a store on a volume (linux/amd64 only).

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY cmd cmd
COPY internal internal
COPY schema schema
ENV CGO_ENABLED=0
# Of a release: docker build --build-arg VERSION=1.2.3 --build-arg COMMIT="$(git rev-parse --short=12 HEAD)"
ARG VERSION=
ARG COMMIT=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags "-s -w -buildid= -X rawlogs/internal/version.release=$VERSION -X rawlogs/internal/version.commit=$COMMIT" \
    -o /out/ ./cmd/ingest ./cmd/simnet

# The lock file has the library's checksum, which npm verifies.
FROM node:22-bookworm-slim AS engine
WORKDIR /engine
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund && cp node_modules/@chdb/lib-linux-x64-gnu/libchdb.so /libchdb.so

# glibc is there because ingest can load a shared library, though built without
# cgo; certificates and time zones because it calls the API and reads its times.
FROM gcr.io/distroless/cc-debian12:nonroot AS simnet
COPY --from=build /out/simnet /usr/local/bin/simnet
ENTRYPOINT ["/usr/local/bin/simnet"]

FROM gcr.io/distroless/cc-debian12:nonroot AS ingest-embedded
COPY --from=engine /libchdb.so /usr/local/lib/libchdb.so
COPY --from=build /out/ingest /usr/local/bin/ingest
WORKDIR /home/nonroot
ENTRYPOINT ["/usr/local/bin/ingest"]
CMD ["run"]

FROM gcr.io/distroless/cc-debian12:nonroot AS ingest
COPY --from=build /out/ingest /usr/local/bin/ingest
WORKDIR /home/nonroot
ENTRYPOINT ["/usr/local/bin/ingest"]
CMD ["run"]
