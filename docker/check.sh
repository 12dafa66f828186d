#!/bin/sh
# Builds the service image with buildah, without a daemon and without privileges for containers, and runs it.
#
#   docker/check.sh [ROOTFS]
#
# ROOTFS is a folder with a Debian bookworm that has Python 3.11, used as base where the registry cannot be reached; make one with
# `debootstrap --variant=minbase --include=python3.11,python3-venv,ca-certificates bookworm ROOTFS`. BUILD_OPTIONS goes to
# `buildah bud`, for example `--volume /wheels:/wheels:ro --env PIP_FIND_LINKS=/wheels`.
set -eu
cd "$(dirname "$0")/.."
base=docker.io/library/python:3.11-slim-bookworm
image=localhost/tandem-service
export STORAGE_DRIVER="${STORAGE_DRIVER:-vfs}" BUILDAH_ISOLATION=chroot

command -v buildah >/dev/null || { echo "buildah is not installed; on Debian: apt-get install buildah" >&2; exit 2; }
if command -v hadolint >/dev/null; then hadolint docker/*.Dockerfile; else echo "hadolint is not installed; not checked" >&2; fi

if [ $# -ge 1 ]; then
  [ -x "$1/usr/bin/python3.11" ] || { echo "$1 has no /usr/bin/python3.11; see the head of this script" >&2; exit 2; }
  container=$(buildah from scratch)
  buildah copy --quiet "$container" "$1" / >/dev/null
  buildah run "$container" -- ln -sf /usr/bin/python3.11 /usr/local/bin/python
  buildah commit --quiet --rm "$container" "$base" >/dev/null
fi

# shellcheck disable=SC2086
buildah bud --quiet --format docker --pull=never ${BUILD_OPTIONS:-} --file docker/service.Dockerfile --tag "$image" . >/dev/null
container=$(buildah from --pull=never "$image")
trap 'buildah rm "$container" >/dev/null' EXIT
buildah run "$container" -- python -c '
import importlib.util, os
assert importlib.util.find_spec("torch") is None, "the image holds torch"
assert os.getuid() == 10001, "the image runs as root"
'
buildah run "$container" -- tandem --help >/dev/null
root=$(buildah mount "$container")
echo "size: $(du --summarize --block-size=1M "$root" | cut -f1) MB, of which /opt/tandem $(du --summarize --block-size=1M "$root/opt/tandem" | cut -f1) MB"
buildah umount "$container" >/dev/null

if [ -n "${WORKSPACE:-}" ]; then
  # A workspace that another run has built, to be served and asked.
  log=$(mktemp)
  buildah run --volume "$WORKSPACE:/workspace" --env TANDEM_SERVER__HOST=127.0.0.1 --env TANDEM_SERVER__PORT=18080 \
    "$container" -- tandem serve >"$log" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    if python3 -c 'import urllib.request; urllib.request.urlopen("http://127.0.0.1:18080/readyz", timeout=1)' 2>/dev/null; then
      kill "$server"; wait "$server" 2>/dev/null || true
      echo "serves $WORKSPACE"; exit 0
    fi
    sleep 0.2
  done
  kill "$server" 2>/dev/null || true
  cat "$log" >&2; echo "the image does not serve $WORKSPACE" >&2; exit 1
fi
