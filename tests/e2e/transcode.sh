#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# examples/transcode, a service of somebody's own: real videos, made here, go through ffmpeg.
. "$(dirname "$0")/../support/e2e.sh"
. "$(dirname "$0")/../support/queue.sh"
. "$(dirname "$0")/../support/handlers.sh"

for tool in ffmpeg ffprobe python3; do
  command -v "$tool" >"$dir/out" || skip "no $tool: ./test all installs it"
done
export PATH=$LEAT_BIN:$PATH
cp -r "$e2e_support/../../examples/transcode" "$dir/service"
cd "$dir/service"
mkdir "$dir/clips" videos

clips_are_made() {
  ffmpeg -v error -f lavfi -i testsrc=duration=4:size=321x240 -f lavfi -i sine=duration=4 \
    -c:v mpeg4 -c:a mp2 "$dir/clips/short.avi"
  # Its frames once more and once more: made at once, transcoded in half a minute.
  ffmpeg -v error -stream_loop 299 -i "$dir/clips/short.avi" -c copy "$dir/clips/long.avi"
}

service_starts() {
  worker_start -p 0 --config leat.conf --lease 2s
  await 'grep -q "redis up" "$(worker_log)"' 20 'the worker'
}

# shown FILE ENTRIES: of what ffprobe sees in it, the values of these entries.
shown() { ffprobe -v error -show_entries "$2" -of default=nw=1:nk=1 "$1"; }

# member NAME: of the JSON on stdin.
member() { python3 -c 'import json, sys; print(json.load(sys.stdin)["'"$1"'"])'; }

hidden() { find videos -name '.*' | wc -l; }

# progress ID: the percents in its record, in order.
progress() {
  redis_cli --raw xrange "$(key "t:$1")" - + | sed -n 's/^{"percent": \([0-9]*\)}$/\1/p'
}

# ffmpeg, below the script that the worker runs, is born: $pid, $birth.
ffmpeg_runs() {
  local script=($(children_of "$worker"))
  pid=($(children_of "${script[0]-none}"))
  [ "$(cat "/proc/${pid[0]-none}/comm" 2>/dev/null)" = ffmpeg ]
}
ffmpeg_starts() {
  await ffmpeg_runs 30 'ffmpeg'
  birth=$(birth_of "$pid")
}

a_video_becomes_a_copy_and_a_picture() {
  local video
  id=$(./upload "$dir/clips/short.avi")
  expect_exit 0 leat job wait "$id" --timeout 2m
  leat job get "$id" | member result >"$dir/result"
  video=videos/$id/video.mp4
  expect_match "'video': '$video', 'thumbnail': 'videos/$id/thumbnail.jpg', 'duration_s': 4\.[01].*'size_bytes': $(stat -c %s "$video")" \
    "$(cat "$dir/result")" 'the result'
  expect_eq $'h264\n320\n240\nyuv420p\naac' "$(shown "$video" stream=codec_name,width,height,pix_fmt)" 'the copy'
  expect_match '^4\.[01]' "$(shown "$video" format=duration)" 'its length'
  expect_eq $'mjpeg\n320' "$(shown "videos/$id/thumbnail.jpg" stream=codec_name,width)" 'the picture'
  expect_eq "thumbnail.jpg video.mp4 0" "$(ls -A "videos/$id" | paste -sd' ') $(hidden)" 'all files'
  expect_eq 1 "$(leat counter get videos:done)" 'videos done'
  ok 'a video becomes an H.264 copy and a picture, and is counted'
}

# As after a crash before the end was acknowledged.
a_second_run_tells_the_same() {
  local inode
  inode=$(stat -c %i.%Z "videos/$id")
  leat push transcode file="$(ls uploads)" --id "$id" --track >"$dir/out"
  expect_exit 0 leat job wait "$id" --timeout 2m
  leat job get "$id" | member result | cmp - "$dir/result" || fail 'the second run says something else'
  expect_eq "$inode" "$(stat -c %i.%Z "videos/$id")" 'the folder'
  ok 'a second run leaves the files alone and tells the same'
}

# asked_for FILE: push a job for it; $id is its id.
asked_for() {
  id=asked-$((asked += 1))
  leat push transcode file="$1" --id "$id" --track >"$dir/out"
}
asked=0

reason_of() { leat job get "$1" | member error; }

what_is_no_video_dies_at_once() {
  local of name file ids=() refused=()
  of=$(ls uploads)
  # A list whose one item is what somebody else has uploaded.
  printf 'ffconcat version 1.0\nfile %s\n' "$of" >"$dir/clips/playlist"
  ln -s /etc/passwd uploads/link
  for file in leat.conf "$dir/clips/playlist"; do ids+=("$(./upload "$file")"); done
  for name in nothing link; do asked_for "$name" && ids+=("$id"); done
  for name in ../../../../etc/passwd /etc/passwd ../leat.conf .. '' "$of/"; do
    asked_for "$name" && refused+=("$id")
  done
  expect_exit 1 leat job wait "${ids[@]}" "${refused[@]}" --timeout 2m
  expect_match "exit 65: file:uploads/${ids[0]}: Invalid data found when processing input" "$(leat job ls)" 'the reason of ffmpeg'
  expect_eq "exit 65: file:uploads/${ids[1]}: Invalid argument" "$(reason_of "${ids[1]}")" 'of a list'
  expect_eq 'exit 65: uploads/nothing: no such upload' "$(reason_of "${ids[2]}")" 'of an upload that is not there'
  expect_eq 'exit 65: uploads/link: no such upload' "$(reason_of "${ids[3]}")" 'of a link'
  for id in "${refused[@]}"; do
    expect_match 'exit 65: args.file and the id must' "$(reason_of "$id")" 'of a name that is a path'
  done
  expect_eq '10 0 0' "$(size dead) $(tally retry) $(hidden)" 'dead, retried, hidden'
  expect_eq 1 "$(leat counter get videos:done)" 'videos done'
  ok 'what is no video dies at once with the reason of ffmpeg; no job leads out of the folder'
}

progress_rises_and_cancel_stops_it() {
  local seen
  id=$(./upload "$dir/clips/long.avi")
  ffmpeg_starts
  await '[ "$(progress "$id" | wc -l)" -ge 3 ]' 60 'three words of progress'
  seen=$(progress "$id")
  expect_eq "$(sort -n <<<"$seen")" "$seen" 'percents in order'
  [ "$(head -n 1 <<<"$seen")" -lt "$(tail -n 1 <<<"$seen")" ] || fail "no progress: $seen"
  expect_eq 1 "$(hidden)" 'folders being filled'
  expect_exit 0 leat job cancel "$id"
  await 'is_gone "$pid" "$birth"' 20 'the end of ffmpeg'
  await '[ "$(leat job get "$id" | member state)" = cancelled ]' 20 'the record to say so'
  expect_eq '' "$(find videos -name "*$id*")" 'files of it'
  expect_eq '0 1' "$(hidden) $(leat counter get videos:done)" 'hidden folders, videos done'
  ok 'progress rises as ffmpeg says it; cancel stops ffmpeg and leaves no file behind'
}

a_killed_worker_leaves_nothing_behind() {
  ffmpeg -v error -stream_loop 14 -i "$dir/clips/short.avi" -c copy "$dir/clips/medium.avi"
  id=$(./upload "$dir/clips/medium.avi")
  ffmpeg_starts
  child_stop "$worker" KILL
  expect_eq 1 "$(hidden)" 'folders of the killed run'
  service_starts
  expect_exit 0 leat job wait "$id" --timeout 2m
  await 'is_gone "$pid" "$birth"' 20 'the end of the first ffmpeg'
  expect_match '^60\.' "$(shown "videos/$id/video.mp4" format=duration)" 'length of the copy'
  expect_eq 0 "$(hidden)" 'hidden folders'
  expect_eq 2 "$(leat counter get videos:done)" 'videos done'
  ok 'after a kill -9 another worker does it, once, and removes what was begun'
}

redis_start
clips_are_made
service_starts
a_video_becomes_a_copy_and_a_picture
a_second_run_tells_the_same
what_is_no_video_dies_at_once
progress_rises_and_cancel_stops_it
a_killed_worker_leaves_nothing_behind
worker_stop
expect_eq 0 "$status" 'exit status'
