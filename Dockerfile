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

# What a node runs: the file systems' own programs, mount, and modprobe for the kernel's nbd; and what the runtime loads for TLS. They are
# taken out of their packages with the libraries they load: whole, the packages bring an interpreter and its libraries into privileged pods,
# for programs that nobody calls. In status.d scanners of images find which packages these files are from.
FROM ${BASE_IMAGE} AS tools
RUN set -eu; touch /before; apt-get update; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends btrfs-progs e2fsprogs kmod libssl3 mount xfsprogs; \
    real() { echo "$(realpath "$(dirname "$1")")/$(basename "$1")"; realpath "$1"; }; \
    for program in mkfs.ext4 e2fsck resize2fs mkfs.xfs xfs_repair xfs_growfs mkfs.btrfs btrfs mount umount modprobe; do \
        path=$(command -v "$program"); \
        real "$path" >>/files; \
        if [ "$(head -c 2 "$path")" = '#!' ]; then echo "$program is a script" >&2; exit 1; fi; \
        for library in $(ldd "$path" | grep -o '/[^ ]*'); do real "$library" >>/files; done; \
    done; \
    for library in /usr/lib/*/libssl.so.3 /usr/lib/*/libcrypto.so.3; do real "$library" >>/files; done; \
    echo /etc/mke2fs.conf >>/files; \
    mkdir -p /tools/var/lib/dpkg/status.d; \
    for file in $(sort -u /files); do \
        [ -n "$(find "$file" -cnewer /before)" ] || continue; \
        cp -d --parents --preserve=all "$file" /tools; \
        package=$(dpkg-query --search "*${file#/usr}" | head -n 1 | cut -d: -f1); \
        dpkg-query --status "$package" >"/tools/var/lib/dpkg/status.d/$package"; \
        cp --parents "/usr/share/doc/$package/copyright" /tools; \
    done

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="csi-thin" \
      org.opencontainers.image.description="Thin-provisioned local volumes for Kubernetes, in the Linux dm-thin format" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=tools /tools/ /
COPY --from=build /out /usr/lib/csi-thin
RUN ln -s /usr/lib/csi-thin/csi-thin /usr/bin/csi-thin
COPY LICENSE /usr/share/doc/csi-thin/
# Nothing of ours is written into the image's own file system: it may be mounted read-only. The runtime's diagnostics port would.
ENV DOTNET_EnableDiagnostics=0
# The controller needs no rights at all. Engine and node say in their pods that they run as root.
USER 65532:65532
ENTRYPOINT ["/usr/bin/csi-thin"]
CMD ["--help"]
