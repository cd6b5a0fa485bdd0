<?php // SPDX-License-Identifier: MIT
// Push a job by LPUSH: php lpush.php TYPE ARGS-AS-JSON [QUEUE]
function redis(string ...$words): string {
    $url = getenv('LEAT_REDIS') ?: 'redis://127.0.0.1:6379';
    $server = @stream_socket_client(str_replace('redis:', 'tcp:', $url), $code, $error, 5)
        or throw new Exception("$url: $error");
    stream_set_timeout($server, 5);
    $texts = array_map(fn($word) => '$' . strlen($word) . "\r\n$word\r\n", $words);
    fwrite($server, '*' . count($words) . "\r\n" . implode($texts));
    return trim(fgets($server) ?: 'connection lost');
}
try {
    [$type, $args, $queue] = array_slice($argv, 1) + ['', '', 'default'];
    $job = json_encode(['type' => $type, 'args' => json_decode($args, flags: JSON_THROW_ON_ERROR)]);
    $reply = redis('LPUSH', "leat:$queue", $job); // the queue's length, or an error
    echo $reply[0] == ':' ? substr($reply, 1) . "\n" : throw new Exception($reply);
} catch (Exception $error) {
    fwrite(STDERR, "lpush.php: {$error->getMessage()}\n");
    exit(1);
}
