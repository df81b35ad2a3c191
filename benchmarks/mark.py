"""What a job says to the process that measures it. Imports nothing, so that peers' interpreters can load it."""

import json
import sys


def mark(word: str) -> None:
    """Say a word and wait until the measuring process has taken note."""
    print(word, flush=True)
    sys.stdin.readline()


def answer(**values: object) -> None:
    """The job's result, with its own peak memory (the kernel's high-water mark since it was last cleared)."""
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
    values.setdefault("peak", int(lines["VmHWM"].split()[0]) * 1024)
    print(json.dumps(values), flush=True)
