# syntax=docker/dockerfile:1
# Two images from one build: --target ingest and --target simnet. Neither holds
# the embedded ClickHouse: in a container the store is a server.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY cmd cmd
COPY internal internal
COPY schema schema
ENV CGO_ENABLED=0
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -o /out/ ./cmd/ingest ./cmd/simnet

# glibc is there because ingest can load a shared library, though built without
# cgo; certificates and time zones because it calls the API and reads its times.
FROM gcr.io/distroless/cc-debian12:nonroot AS simnet
COPY --from=build /out/simnet /usr/local/bin/simnet
ENTRYPOINT ["/usr/local/bin/simnet"]

FROM gcr.io/distroless/cc-debian12:nonroot AS ingest
COPY --from=build /out/ingest /usr/local/bin/ingest
WORKDIR /home/nonroot
ENTRYPOINT ["/usr/local/bin/ingest"]
CMD ["run"]
