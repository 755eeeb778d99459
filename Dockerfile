# One static binary on an empty image: nothing else to patch, no shell to abuse.
#   docker build --build-arg VERSION="$(git describe --tags --always)" -t mino .

FROM golang:1.26.8-bookworm AS build
ENV CGO_ENABLED=0 GOTOOLCHAIN=local
WORKDIR /src
# The modules change less often than the code, so they have a layer of their own.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /out/mino ./cmd/mino \
    && mkdir -m 1777 /out/tmp

FROM scratch
# Authorities for HTTPS to sites, web agents and Temporal.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
# Uploads that are larger than memory should hold go through a file.
COPY --from=build --chown=65532:65532 /out/tmp /tmp
COPY --from=build /out/mino /mino
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/mino"]
CMD ["--help"]
