import pytest

from deployments.domain.logs.severity import goes_on, severity

BAD = [
    '{"level":"error","msg":"x"}',
    '{"severity": "ERROR", "message": "x"}',
    '{"lvl":"crit"}',
    '{"ts":1,"levelname":"CRITICAL"}',
    '{"log.level":"fatal"}',
    '{"log":{"level":"error"}}',
    '{"record":{"level":{"name":"ERROR","no":40}}}',
    '{"level":50,"pid":1,"msg":"pino"}',
    '{"levelno":40}',
    '{"severity":500}',
    '{"severity":3}',
    '{"SeverityNumber":17}',
    '{"@l":"Error"}',
    "E1127 10:00:00.000000 1 model.cc:12] failed",
    "F1127 10:00:00.000000 1 model.cc:12] failed",
    "[11/27/2026-10:00:00] [TRT] [E] 1: no kernel image",
    "[E] engine not found",
    "[2026-11-27 10:00:00 +0000] [7] [ERROR] Exception in worker process",
    "[2026-11-27 10:00:00.123][1][error][main] cannot bind",
    "2026/11/27 10:00:00 [crit] 7#7: *1 open() failed",
    "[TensorRT] ERROR: 3: no",
    "error: cannot open shared object file",
    "Error: Cannot find module 'x'",
    "fatal error: unexpected signal",
    "panic: runtime error: index out of range",
    "ERROR:root:boom",
    "2026-11-27 10:00:00,123 - app - ERROR - boom",
    "2026-11-27 10:00:00.123 | ERROR    | __main__:f:1 - boom",
    "2026-11-27 10:00:00.123: E tensorflow/core/x.cc:1] boom",
    "Traceback (most recent call last):",
    "torch.cuda.OutOfMemoryError: CUDA out of memory",
    "KeyboardInterrupt",
    "2026-11-27 10:00:00,123 ERROR [main] c.f.Bar - boom",
    "10:00:00.123 [main] ERROR c.f.Bar -- boom",
    "SEVERE: boom",
    'Exception in thread "main" java.lang.IllegalStateException: boom',
    "java.lang.NullPointerException",
    "Caused by: java.io.IOException: closed",
    "ts=2026-11-27T10:00:00Z level=error msg=boom",
    'time="2026-11-27T10:00:00Z" level=fatal msg=boom',
    "npm ERR! code 1",
    "thread 'main' panicked at src/main.rs:1:1:",
    "Segmentation fault (core dumped)",
]
WARN = [
    '{"level":"warn"}',
    '{"severity":"WARNING"}',
    '{"level":40,"msg":"pino"}',
    '{"levelno":30}',
    '{"severity":400}',
    "W1127 10:00:00.000000 1 x.cc:1] slow",
    "[TRT] [W] slow",
    "warning: deprecated",
    "/srv/a.py:12: UserWarning: deprecated",
    "WARNING:root:slow",
    "WARN  [main] c.f.Bar - slow",
    "level=warning msg=slow",
]
PLAIN = [
    '{"level":"info","msg":"ERROR 0"}',
    '{"level":30,"msg":"error: none"}',
    '{"msg":"no level"}',
    '{"level":null}',
    '{"level":{"x":1}}',
    "I1127 10:00:00.000000 1 x.cc:1] no ERROR found",
    "[I] ERROR queue is empty",
    "INFO POST /v1/models/a:predict 200 errors=0",
    "INFO:     127.0.0.1 - GET /error",
    "2026-11-27 10:00:00 DEBUG error: handled",
    "0 errors, 0 warnings",
    "terrorism dataset loaded",
    "{not json",
    "",
    "[" * 5000,
]


@pytest.mark.parametrize(
    ("said", "level"), [*((x, "bad") for x in BAD), *((x, "warn") for x in WARN), *((x, "") for x in PLAIN)]
)
def test_severity(said: str, level: str) -> None:
    assert severity(said) == level


@pytest.mark.parametrize(
    ("said", "is_frame"),
    [
        ('  File "/srv/a.py", line 1, in load', True),
        ("\tat com.example.Foo.bar(Foo.java:1)", True),
        ("... 12 more", True),
        ("Caused by: java.io.IOException: x", True),
        ("INFO ready", False),
        ("", False),
        ("   ", False),
    ],
)
def test_frames_of_a_traceback_belong_to_the_line_before(said: str, is_frame: bool) -> None:
    assert goes_on(said) is is_frame
