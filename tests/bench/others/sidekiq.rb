# SPDX-License-Identifier: MIT
# Sidekiq: `ruby sidekiq.rb` pushes $JOBS jobs; `sidekiq -r ./sidekiq.rb` works on them, in five
# threads, of which more are no faster, for Ruby runs one at a time.
require 'sidekiq'

JOBS = ENV.fetch('JOBS').to_i
SINGLE = 500 # so many are pushed one by one, and timed
BULK = 1000  # a call of push_bulk; what Sidekiq's own manual advises

# Else Debian's redis-rb writes a warning about Sidekiq's call at each job.
Redis.silence_deprecations = true

redis = { url: "unix://#{ENV.fetch('REDIS_SOCKET')}" }
Sidekiq.configure_client { |config| config.redis = redis }
Sidekiq.configure_server { |config| config.redis = redis }
Sidekiq.logger.level = Logger::WARN # by default each job writes two lines

def now_s
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

# Jobs are counted, since five threads run them; the last says how long all took.
class Noop
  include Sidekiq::Worker
  LOCK = Mutex.new
  @@ran = 0

  def perform(_name)
    LOCK.synchronize do
      @@began_s = now_s if @@ran.zero?
      @@ran += 1
      warn "ran #{@@ran} jobs in #{now_s - @@began_s} s" if @@ran == JOBS
    end
  end
end

if __FILE__ == $PROGRAM_NAME
  took_s = Array.new(SINGLE) do
    began_s = now_s
    Noop.perform_async('song:1')
    now_s - began_s
  end
  began_s = now_s
  (JOBS - SINGLE).downto(1).each_slice(BULK) do |some|
    Sidekiq::Client.push_bulk('class' => Noop, 'args' => some.map { ['song:1'] })
  end
  puts "one #{took_s.sort[SINGLE / 2] * 1e6} us, bulk #{(JOBS - SINGLE) / (now_s - began_s)} /s"
end
