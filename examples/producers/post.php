<?php // SPDX-License-Identifier: MIT
// Push a job by HTTP: php post.php TYPE ARGS-AS-JSON [QUEUE]
try {
    [$type, $args, $queue] = array_slice($argv, 1) + ['', '', 'default'];
    $url = (getenv('LEAT_DASHBOARD') ?: 'http://127.0.0.1:8740') . "/api/v1/jobs?queue=$queue";
    $headers = ['Content-Type: application/json'];
    if ($token = getenv('LEAT_TOKEN')) $headers[] = "Authorization: Bearer $token";
    $job = json_encode(['type' => $type, 'id' => bin2hex(random_bytes(16)),
        'args' => json_decode($args, flags: JSON_THROW_ON_ERROR)]);
    $answer = @file_get_contents($url, false, stream_context_create(['http' => ['method' => 'POST',
        'header' => $headers, 'content' => $job, 'timeout' => 5, 'ignore_errors' => true]]));
    if ($answer === false) throw new Exception(error_get_last()['message']);
    if (!preg_match('~^\S+ 2~', $http_response_header[0])) throw new Exception($answer);
    echo json_decode($answer)->id, "\n";
} catch (Exception $error) {
    fwrite(STDERR, "post.php: {$error->getMessage()}\n");
    exit(1);
}
