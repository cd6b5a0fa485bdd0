#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `cmake --install` into a tree that is then used where it was not meant to lie: every program
# runs from there, a program of somebody else's is built against it, and nothing in it leads
# back to where it was built. LEAT_CFLAGS are those that the build needs of who links to it.
. "$(dirname "$0")/../support/e2e.sh"

source=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$LEAT_BIN/.." && pwd)
root=$dir/root/opt/leat
read -ra flags <<<"${LEAT_CFLAGS-}"
counted=0

# The installed command finds its neighbours by itself only.
installed() {
  env -u LEAT_BIN PATH=/usr/bin:/bin "$root/bin/leat" "$@"
}

expect_count() {
  counted=$((counted + $1))
  expect_exit 0 installed worker --drain
  expect_eq "$counted" "$(installed counter get song:1)" 'the count of song:1'
}

install_tree() {
  expect_exit 0 env DESTDIR="$dir/root" cmake --install "$build" --prefix /opt/leat
  expect_eq leat "$(ls "$root/bin")" 'what is in bin/'
  expect_eq 'leat-dashboard leat-plugin leat-worker' "$(ls "$root/libexec/leat" | xargs)" 'what is in libexec/leat/'
  expect_eq 'leat-plugin.h leat.h' "$(ls "$root/include" | LC_ALL=C sort | xargs)" 'what is in include/'
  libdir=$(dirname "$(find "$root" -name libleat.so)")
  local link=$libdir/libleat.so file
  expect_match '^libleat\.so\.[0-9]+$' "$(readlink "$link")" 'what libleat.so leads to'
  for file in README.md LICENSE PROTOCOL.md job.schema.json docs/README.md examples/c/push.c; do
    [ -s "$root/share/doc/leat/$file" ] || fail "no share/doc/leat/$file"
  done
  ok 'the tree holds what it should, and no tests'
}

# What each page links to in this tree; CONTRIBUTING.md and tests/ are for who has the source.
links_of() {
  awk '{
    while (match($0, /\]\([^) ]+\)/)) {
      target = substr($0, RSTART + 2, RLENGTH - 3)
      $0 = substr($0, RSTART + RLENGTH)
      sub(/#.*/, "", target)
      if (target != "" && target !~ /^[a-z]+:|CONTRIBUTING|^(\.\.\/)*(tests|packaging)\//) print target
    }
  }' "$1"
}

pages_lead_somewhere() {
  local page target links=0
  while read -r page; do
    while read -r target; do
      [ -e "$(dirname "$page")/$target" ] || fail "${page#"$root"/} links to $target"
      links=$((links + 1))
    done < <(links_of "$page")
  done < <(find "$root/share/doc/leat" -name '*.md')
  [ "$links" -gt 0 ] || fail 'no links: this test has lost them'
  ok "all $links links of the pages lead somewhere"
}

nothing_leads_back() {
  local file
  while read -r file; do
    ! readelf -d "$file" 2>/dev/null | grep -E 'R(UN)?PATH' || fail "$file has a path inside"
  done < <(find "$root" -type f)
  ! grep -rIlF -e "$source" -e "$build" -e "$dir" "$root" || fail 'these name where they were built'
  ok 'nothing leads back to where it was built'
}

programs_run() {
  expect_match '^leat [0-9]' "$(installed version)" 'the version'
  expect_exit 0 installed push increment counter=song:1
  expect_count 1
  expect_exit 0 installed dashboard --help
  mkdir "$dir/elsewhere"
  ln -s "$root/bin/leat" "$dir/elsewhere/leat"
  expect_exit 0 "$dir/elsewhere/leat" worker --help
  mv "$root/libexec" "$root/libexec.away"
  expect_exit 78 installed worker --help
  mv "$root/libexec.away" "$root/libexec"
  ok 'every program runs from there, through a link too'
}

# One command that starts all the others.
all_start() {
  child_start up env -u LEAT_REDIS "$root/bin/leat" up --state "$dir/state" --listen 127.0.0.1:0
  local up=$child
  await 'grep -q "or look at" "$dir/up.log" || ! child_alive "$child"' 20 'leat up to be ready'
  child_stop "$up" INT
  expect_eq 0 "$status" 'exit status of leat up'
  ok 'leat up starts them all'
}

# run_example NAME PROGRAM
run_example() {
  expect_exit 0 "$2"
  expect_match '1001 of 1001 acknowledged' "$(cat "$dir/out")" 'what the example says'
  expect_count 1001
  expect_exit 1 env LEAT_REDIS=unix:///nowhere "$2"
  grep -q 'Redis unreachable: cannot reach Redis at unix:/nowhere' "$dir/err" || fail 'no error is shown'
  ok "the example works, built by $1"
}

by_pkg_config() {
  local found
  export PKG_CONFIG_PATH=$libdir/pkgconfig
  read -ra found <<<"$(pkg-config --cflags --libs leat)"
  expect_exit 0 cc -std=c11 -Wall -Wextra -Werror "${flags[@]}" "$source/examples/c/push.c" \
    "${found[@]}" -o "$dir/push"
  expect_eq "$(installed version)" "leat $(pkg-config --modversion leat)" 'the version'
  LD_LIBRARY_PATH=$libdir run_example pkg-config "$dir/push"
}

by_cmake() {
  expect_exit 0 cmake -S "$root/share/doc/leat/examples/c" -B "$dir/cmake" \
    -DCMAKE_PREFIX_PATH="$root" -DCMAKE_C_FLAGS="${flags[*]}"
  expect_exit 0 cmake --build "$dir/cmake"
  run_example CMake "$dir/cmake/push"
  expect_exit 0 cmake -S "$root/share/doc/leat/examples/plugin" -B "$dir/plugin" -DCMAKE_PREFIX_PATH="$root"
  expect_exit 0 cmake --build "$dir/plugin"
  [ -s "$dir/plugin/primes.so" ] || fail 'no plugin was built'
}

headers_stand_alone() {
  local header
  for header in leat.h leat-plugin.h; do
    echo "#include <$header>" >"$dir/alone.c"
    expect_exit 0 cc -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only -I "$root/include" "$dir/alone.c"
  done
  cat >"$dir/alone.cc" <<'CODE'
#include <leat.h>
#include <leat-plugin.h>
static void run(struct leat_plugin_job *job)
{
    job->die(job, job->args);
}
const struct leat_plugin leat_plugin = {LEAT_PLUGIN_BEGIN, 0, nullptr, run, nullptr};
int main()
{
    struct leat_job job = {sizeof job, nullptr, "increment", "{}", nullptr, 0, 0, LEAT_NO_RETRIES, 0, nullptr, 0};
    struct leat *leat = nullptr;
    return leat_push(leat, &job, nullptr, 0) == LEAT_ERROR_USAGE ? 0 : 1;
}
CODE
  local cxx=(-std=c++11 -pedantic -Wall -Wextra -Werror -I "$root/include" "$dir/alone.cc")
  if command -v g++ >"$dir/out"; then
    expect_exit 0 g++ "${cxx[@]}" "${flags[@]}" -L "$libdir" -lleat -o "$dir/alone"
    expect_exit 0 env LD_LIBRARY_PATH="$libdir" "$dir/alone"
  elif command -v clang++ >"$dir/out"; then # its sanitizers are not the library's
    expect_exit 0 clang++ "${cxx[@]}" -fsyntax-only
  else
    echo 'no C++ compiler: the headers are not tried in C++'
    return
  fi
  ok 'the headers are C99, and C++'
}

redis_start
install_tree
pages_lead_somewhere
nothing_leads_back
programs_run
all_start
by_pkg_config
by_cmake
headers_stand_alone
