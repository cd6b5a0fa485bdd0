#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# clang-tidy over every file that the analyze preset compiles, by the rules of .clang-tidy.
# Built first, since some headers are made by the build.
set -euo pipefail
cd "$(dirname "$0")/../.."

for tool in clang clang-tidy; do
  command -v "$tool" >/dev/null || {
    echo "skip - no $tool"
    exit 77
  }
done

{ cmake --preset analyze && cmake --build --preset analyze; } >build/analyze.log 2>&1 || {
  tail -n 30 build/analyze.log
  echo "the build with clang failed"
  exit 1
}

sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' build/analyze/compile_commands.json |
  grep -vF "$PWD/build/" | sort -u |
  xargs -P "$(nproc)" -n 1 clang-tidy -p build/analyze --quiet 2>/dev/null || {
  echo "not ok - clang-tidy has complaints (above)"
  exit 1
}
echo "ok - clang-tidy has no complaints"
