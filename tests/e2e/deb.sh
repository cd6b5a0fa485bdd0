#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The Debian packages: built by their one command, with the libraries that `packages` names and
# no others, settings kept from others' eyes; unpacked they run, the units are as closed as they
# claim, and the scripts make a token once and leave nothing.
. "$(dirname "$0")/../support/e2e.sh"
project=$(cd "$e2e_support/../.." && pwd)
for tool in dpkg-deb dpkg-shlibdeps file cpack; do
  command -v "$tool" >"$dir/out" || skip "no $tool"
done

deb() { echo "$project"/build/deb/"$1"_*.deb; }
control() { dpkg-deb --field "$(deb "$1")" "$2"; }
depends() { control "$1" Depends | tr ',' '\n' | sed -E 's/^ *([^ ]+).*/\1/; /^libc6$/d' | sort | xargs; }
# files PACKAGE: what is in it, from the root, folders left out.
files() { dpkg-deb -c "$(deb "$1")" | awk '!/^d/ { sub(/^\./, "", $6); print $6 }'; }

(cd "$project" && rm -rf build/deb && cmake --workflow --preset deb) >"$dir/build.log" 2>&1 ||
  fail 'the build failed'
root=$dir/root
dpkg-deb -R "$(deb leat)" "$root"
dpkg-deb -x "$(deb libleat0)" "$root"
dpkg-deb -x "$(deb libleat-dev)" "$root"
ok 'one command builds them'

expect_eq "$(awk '$1 == "run" && $2 ~ /^lib/ { print $2 }' "$project/packages" | sort | xargs)" \
  "$(depends leat)" 'what leat depends on, and what the file packages says'
expect_match 'redis-server .*\| redis-tools .*, ca-certificates' "$(control leat Recommends)" \
  'the server, and the authorities, it recommends'
expect_eq 'libev4 libhiredis0.14 libjansson4' "$(depends libleat0)" 'what the library depends on'
expect_eq "libleat0 (= $(control libleat0 Version))" "$(control libleat-dev Depends)" 'the library of libleat-dev'
for package in leat libleat0 libleat-dev; do
  expect_eq 'the leat contributors <leat@localhost>' "$(control "$package" Maintainer)" 'the maintainer'
  expect_eq root/root "$(dpkg-deb -c "$(deb "$package")" | awk '{ print $2 }' | sort -u)" 'the owners'
done
ok 'they depend on the libraries they use, and on no others'

expect_eq '' "$(files leat | grep -vE '^/(usr/bin/leat$|(etc/leat|usr/(lib/systemd|libexec/leat|share))/)' || true)" \
  'files of leat elsewhere'
expect_eq '' "$(files libleat0 | grep -vE '/(libleat\.so\.|doc/|lintian/)' || true)" 'more than a library'
expect_eq '/etc/leat/leat.conf /etc/leat/leat.env' "$(xargs <"$root/DEBIAN/conffiles")" 'what the administrator may change'
expect_exit 0 "$leat" config check "$root/etc/leat/leat.conf"
expect_eq 640 "$(stat -c %a "$root/etc/leat/leat.env")" 'who may read the settings'
for command in $("$leat" help | sed -n 's/^  \([a-z]*\) .*/\1/p' | grep -vxE 'help|version'); do
  [ -s "$root/usr/share/man/man1/leat-$command.1.gz" ] || fail "no page of leat $command"
done
for file in bash-completion/completions/leat zsh/vendor-completions/_leat \
  fish/vendor_completions.d/leat.fish doc/{leat,libleat0,libleat-dev}/{copyright,changelog.gz}; do
  [ -s "$root/usr/share/$file" ] || fail "no $file"
done
ok 'everything is where Debian looks for it'

# Runs a maintainer's script in a root that is not / and has no systemd.
script() {
  sed "s|/etc/|$root/etc/|g; s|/run/systemd/system|$root/nowhere|g" "$root/DEBIAN/$1" | sh -s "${@:2}"
}
script postinst configure
expect_match '^[A-Za-z0-9+/]{32}$' "$(cat "$root/etc/leat/token")" 'the token'
expect_eq 600 "$(stat -c %a "$root/etc/leat/token")" 'who may read the token'
cp "$root/etc/leat/token" "$dir/token"
script prerm upgrade 0.2
script postinst configure 0.1
cmp "$root/etc/leat/token" "$dir/token" || fail 'an upgrade made another token'
enabled=$root/etc/systemd/system/multi-user.target.wants/leat-worker@mail.service
mkdir -p "${enabled%/*}"
ln -s /usr/lib/systemd/system/leat-worker@.service "$enabled"
script prerm remove
script postrm remove
[ -e "$root/etc/leat/token" ] && [ -L "$enabled" ] || fail 'removing took what only a purge may take'
script postrm purge
[ ! -e "$root/etc/leat" ] && [ ! -L "$enabled" ] || fail 'a purge left something behind'
ok 'a token is made once, kept when upgraded or removed, and purged'

if command -v systemd-analyze >"$dir/out"; then
  for unit in "$root"/usr/lib/systemd/system/*.service; do
    systemd-analyze security --offline=yes --threshold=15 "$unit" >"$dir/security.log" 2>&1 ||
      fail "${unit##*/}: $(tail -n 1 "$dir/security.log") That is above 1.5."
  done
  said=$(systemd-analyze verify --man=no --root="$root" leat-dashboard.service \
    leat-worker@mail.service 2>&1 | grep -vE 'sysinit.target not found|Command /bin/kill is not' || true) # of other packages
  expect_eq '' "$said" 'what systemd says of the units'
  ok 'systemd finds the units closed and complete'
fi

redis_start
leat=$root/usr/bin/leat
PKG_CONFIG_PATH=$(echo "$root"/usr/lib/*/pkgconfig)
export PKG_CONFIG_PATH
cc -o "$dir/push" "$project/examples/c/push.c" $(pkg-config --cflags --libs leat)
LD_LIBRARY_PATH=${PKG_CONFIG_PATH%/*} expect_exit 0 "$dir/push"
"$leat" push increment counter=packed >"$dir/out"
worker_start --drain
await '! child_alive "$worker"' 20 'the worker to drain'
expect_eq 1 "$("$leat" counter get packed)" 'the counter'
child_start dashboard "$leat" dashboard --listen 127.0.0.1:0
await 'grep -q ^dashboard "$dir/dashboard.log"' 10 'the dashboard'
port=$(sed -n 's/.*:\([0-9]*\)\/$/\1/p' "$dir/dashboard.log")
expect_match 'default' "$(http_get "$port" /status)" 'what the dashboard shows'
ok 'unpacked anywhere the programs find one another, and a compiler the library'
