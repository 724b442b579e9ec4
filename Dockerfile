# The image of every role of csi-thin: engine, node and controller are sub-commands of one program.
#
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg VERSION=0.1.0 --build-arg REVISION=$(git rev-parse HEAD) .
#
# The two base images are arguments, so that a mirror or, as e2e/Image does, images made on the spot can take their place.
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0
ARG BASE_IMAGE=debian:bookworm-slim

# Compiles on the builder's own architecture, for the target's: nothing is emulated.
FROM --platform=$BUILDPLATFORM ${SDK_IMAGE} AS build
ARG TARGETARCH=amd64
ARG VERSION=0.1.0
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
WORKDIR /src
# Restored by itself, so that a change of code does not fetch packages again.
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY core/Memory.props core/
COPY core/src/CsiThin.Core.csproj core/src/
COPY driver/src/CsiThin.Driver.csproj driver/src/
RUN case "$TARGETARCH" in amd64) rid=linux-x64 ;; arm64) rid=linux-arm64 ;; *) echo "no image for $TARGETARCH" >&2; exit 1 ;; esac \
    && echo "$rid" >/rid && dotnet restore driver/src -r "$rid"
COPY core/src core/src
COPY driver/src driver/src
RUN dotnet publish driver/src -c Release -r "$(cat /rid)" --self-contained --no-restore -o /out \
    -p:Version="$VERSION" -p:DebugType=none -p:PublishDocumentationFiles=false

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="csi-thin" \
      org.opencontainers.image.description="Thin-provisioned local volumes for Kubernetes, in the Linux dm-thin format" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0"
# What the node plug-in runs: the file systems' own programs, mount, and modprobe for the kernel's nbd.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        btrfs-progs e2fsprogs kmod mount util-linux xfsprogs \
    && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/debconf /var/log/apt /var/log/dpkg.log
COPY --from=build /out /usr/lib/csi-thin
RUN ln -s /usr/lib/csi-thin/csi-thin /usr/bin/csi-thin
COPY LICENSE /usr/share/doc/csi-thin/
# Nothing of ours is written into the image's own file system: it may be mounted read-only. The runtime's diagnostics port would.
ENV DOTNET_EnableDiagnostics=0
# The controller needs no rights at all. Engine and node say in their pods that they run as root.
USER 65532:65532
ENTRYPOINT ["/usr/bin/csi-thin"]
CMD ["--help"]
