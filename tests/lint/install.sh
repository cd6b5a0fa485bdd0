#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installing starts no service: the guard refuses a package that would, and only that.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v dpkg-deb >/dev/null || {
  echo "skip - no dpkg-deb"
  exit 77
}
dir=$(mktemp -d "${TMPDIR:-/tmp}/leat-install.XXXXXX")
trap 'rm -rf "$dir"' EXIT

# deb NAME POSTINST: prints the path of a package that does nothing else.
deb() {
  mkdir -p "$dir/$1/DEBIAN"
  printf 'Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: none\nDescription: none\n' \
    "$1" >"$dir/$1/DEBIAN/control"
  printf '#!/bin/sh\n%s\n' "$2" >"$dir/$1/DEBIAN/postinst"
  chmod 755 "$dir/$1/DEBIAN/postinst"
  dpkg-deb --build "$dir/$1" "$dir/$1.deb" >/dev/null
  echo "$dir/$1.deb"
}

# expect yes|no WHAT NAME POSTINST
expect() {
  local answer=yes
  deb "$3" "$4" | tests/support/no-services.sh 2>/dev/null || answer=no
  [ "$answer" = "$1" ] || {
    echo "not ok - $2"
    exit 1
  }
  echo "ok - $2"
}

expect yes 'a package without a service is let through' leat-plain 'exit 0'
expect no 'one that starts a service is refused' leat-starts 'invoke-rc.d leat start'
expect no 'one that enables a service for the next boot is refused' leat-enables \
  'deb-systemd-helper enable leat.service'
expect yes 'one that is installed already may be brought up to date' dpkg \
  'deb-systemd-helper enable leat.service'

# dpkg also knows packages that were removed, or are only to be had.
mkdir -p "$dir/db/info" "$dir/db/updates"
printf 'Package: leat-was\nStatus: purge ok not-installed\nArchitecture: all\n' >"$dir/db/status"
export DPKG_ADMINDIR=$dir/db
expect no 'one that was installed once is refused' leat-was 'invoke-rc.d leat start'

[ -z "$(grep -vE '^(#.*|(run|build|test|bench|browser|video|others|others-npm) +[a-z0-9.+-]+)$' packages)" ] || {
  echo "not ok - each line of packages is GROUP PACKAGE"
  exit 1
}
echo "ok - each line of packages is GROUP PACKAGE"
