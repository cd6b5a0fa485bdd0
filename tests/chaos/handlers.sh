# SPDX-License-Identifier: MIT
# For sourcing. The handlers of the tasks that leat-chaos-load pushes, for a worker's
# configuration file.
#   handlers_conf MARK GENERATION     both words stand in their command lines

handlers_conf() {
  local kind
  for kind in exec lines; do
    printf '%s\n' "handler $kind {" "  kind = $kind" \
      "  command = {\"$LEAT_BIN/leat-chaos-handler\", $kind, \"$1\", \"$2\"}" \
      '  timeout = 8s' '  grace = 500ms'
    if [ "$kind" = exec ]; then echo '  concurrency = 8'; else echo '  recycle-jobs = 300'; fi
    echo '}'
  done
}
