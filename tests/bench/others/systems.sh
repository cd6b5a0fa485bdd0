# SPDX-License-Identifier: MIT
# For sourcing by others.sh: the systems, what they need, and which version of it is there.

# NAME | JOBS, for 3 to 10 s on two cores | what pushes them | what works. Both commands are run
# as they stand here, in this folder, or in build/tools/node by those that need npm's packages.
celery_work='python3 -m celery -A celery_tasks worker -P solo -l warning'
celery_work+=' --without-gossip --without-mingle --without-heartbeat' # no talk between workers
rq_work='rq worker -c rq_jobs -w rq.SimpleWorker --logging_level WARNING default'
systems=(
  'sidekiq|80000|ruby sidekiq.rb|ruby --yjit -S sidekiq -c 5 -q default -r ./sidekiq.rb'
  "celery|12000|python3 celery_tasks.py|$celery_work"
  "rq|2500|python3 rq_jobs.py|$rq_work"
  'bullmq|120000|node bullmq.mjs push|node bullmq.mjs work'
  'bee-queue|150000|node bee_queue.mjs push|node bee_queue.mjs work'
  'beanstalkd|250000|python3 beanstalk.py push|python3 beanstalk.py work'
  'asynq|0||'
)

node_dir=$root/build/tools/node
beanstalkd=$root/build/tools/beanstalkd/usr/bin/beanstalkd

# npm's packages go into build/, with no script of theirs run. The programs must stand beside
# them to find them.
node_install() {
  local wanted=$here/others/package.json
  mkdir -p "$node_dir"
  cp "$here"/others/*.mjs "$node_dir/"
  [ -d "$node_dir/node_modules" ] && cmp -s "$wanted" "$node_dir/package.json" && return
  command -v npm >/dev/null || return 0
  rm -rf "$node_dir/node_modules"
  cp "$wanted" "$node_dir/"
  npm install --prefix "$node_dir" --ignore-scripts --no-package-lock --no-audit --no-fund \
    >"$node_dir/install.log" 2>&1 || echo "npm could not install: $node_dir/install.log" >&2
}

beanstalkd_start() {
  [ -x "$beanstalkd" ] || return 0
  export BEANSTALKD_SOCKET=$socket_dir/beanstalkd.sock
  child_start beanstalkd-server "$beanstalkd" -l "unix:$BEANSTALKD_SOCKET"
}

# ---- versions: each prints what is there, or why nothing is, with status 1 --------------------

missing() {
  echo "$1 is not installed"
  return 1
}

version_sidekiq() {
  ruby -r sidekiq -e 'puts "Sidekiq #{Sidekiq::VERSION}, redis-rb #{Redis::VERSION}, Ruby " +
    RUBY_VERSION' 2>/dev/null || missing ruby-sidekiq
}

# version_python NAME MODULE PACKAGE
version_python() {
  python3 -c "import platform, redis, $2 as it
version = getattr(it, '__version__', None) or it.VERSION
print('$1', version + ', redis-py', redis.__version__ + ', Python', platform.python_version())" \
    2>/dev/null || missing "$3"
}

version_celery() {
  version_python Celery celery 'python3-celery or python3-redis'
}

version_rq() {
  version_python RQ rq.version python3-rq
}

# version_node NAME PACKAGE [CLIENT]
version_node() {
  [ -d "$node_dir/node_modules/$2" ] || { missing "the npm package $2"; return; }
  (cd "$node_dir" && node -e "
    const version = (name) => ' ' + require('./node_modules/' + name + '/package.json').version;
    const parts = ['$1' + version('$2'), 'Node ' + process.versions.node];
    if ('${3-}') parts.splice(1, 0, '${3-}' + version('${3-}'));
    console.log(parts.join(', '));")
}

version_bullmq() {
  version_node BullMQ bullmq ioredis
}

version_bee-queue() {
  version_node bee-queue bee-queue
}

version_beanstalkd() {
  [ -x "$beanstalkd" ] || { missing beanstalkd; return; }
  "$beanstalkd" -v
}

version_asynq() {
  echo 'Debian 12 has no package of it'
  return 1
}
