# SPDX-License-Identifier: MIT
# For sourcing, with the project's root as working directory: installs what the file
# `packages` lists. Sets nothing up but packages, starts no service and touches none.

# packages_missing GROUP…: the packages of these groups that are not installed, one a line. A
# command of a package's name will do, wherever it came from: npm also comes with other nodes.
packages_missing() {
  awk -v groups=" $* " '$1 !~ /^#/ && index(groups, " " $1 " ") { print $2 }' packages |
    while read -r name; do
      case $(dpkg-query -W -f '${db:Status-Status} ' "$name" 2>/dev/null) in
        installed*) ;;
        *) command -v "$name" >/dev/null || echo "$name" ;;
      esac
    done
}

# packages_install GROUP…: installs what is missing; says nothing when nothing is.
# Returns 1, after saying what to do, when that cannot be done.
packages_install() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is no Debian: install by hand what the file 'packages' lists for: $*." >&2
    echo "Going on with what is there." >&2
    return 0
  fi
  local missing as_root=()
  missing=$(packages_missing "$@" | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
      echo "Not root and no sudo; as root run: apt-get install $missing" >&2
      return 1
    }
    as_root=(sudo)
  fi
  echo "Installing: $missing"
  mkdir -p build
  if ! packages_apt "${as_root[@]}" -- $missing >build/install.log 2>&1; then
    tail -n 15 build/install.log >&2
    echo "Could not install (offline?). By hand: apt-get install $missing" >&2
    return 1
  fi
}

# packages_apt [sudo] -- PACKAGE…: needrestart is held back, so that no running service is
# restarted behind a library that came newer.
packages_apt() {
  local as_root=()
  while [ "$1" != -- ]; do
    as_root+=("$1")
    shift
  done
  shift
  local quiet=(env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1)
  "${as_root[@]}" "${quiet[@]}" apt-get update -q &&
    "${as_root[@]}" "${quiet[@]}" apt-get install -q -y --no-install-recommends \
      -o "DPkg::Pre-Install-Pkgs::='$PWD/tests/support/no-services.sh'" "$@"
}

# package_unpack PACKAGE DIR: what `packages` must not list, since it would start a service, is
# only downloaded and unpacked there. Returns 1 when it cannot be had.
package_unpack() {
  [ ! -d "$2" ] || return 0
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  mkdir -p "$2.deb"
  (cd "$2.deb" && apt-get download -q "$1") >build/install.log 2>&1 &&
    dpkg-deb --extract "$2.deb/$1"_*.deb "$2"
}

# redis_link DIR: makes DIR/redis-server. Where only redis-tools is installed the server is
# the same binary as redis-check-rdb, which acts by the name it is called with.
redis_link() {
  local server
  server=$(command -v redis-server || command -v redis-check-rdb) || {
    echo "Neither redis-server nor redis-check-rdb found: apt-get install redis-tools" >&2
    return 1
  }
  mkdir -p "$1"
  [ "$server" -ef "$1/redis-server" ] || ln -sfn "$server" "$1/redis-server"
}
