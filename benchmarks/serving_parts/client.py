"""The process that sends: reads a job from one file, writes what it saw to another."""

import pickle
import sys
import time
from pathlib import Path

import uvloop

from benchmarks.serving_parts.load import Answers, Job


async def _timed(job: Job) -> Answers:
    wall, cpu = time.monotonic(), time.process_time()
    answers = await job.run()
    answers.wall_s, answers.cpu_s = time.monotonic() - wall, time.process_time() - cpu
    return answers


if __name__ == "__main__":
    told, seen = map(Path, sys.argv[1:])
    seen.write_bytes(pickle.dumps(uvloop.run(_timed(pickle.loads(told.read_bytes())))))
