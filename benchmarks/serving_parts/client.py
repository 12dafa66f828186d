"""The process that sends: reads a job from stdin, writes what it saw to stdout."""

import pickle
import sys
import time

import uvloop

from benchmarks.serving_parts.load import Answers, Job


async def _timed(job: Job) -> Answers:
    wall, cpu = time.monotonic(), time.process_time()
    answers = await job.run()
    answers.wall_s, answers.cpu_s = time.monotonic() - wall, time.process_time() - cpu
    return answers


if __name__ == "__main__":
    sys.stdout.buffer.write(pickle.dumps(uvloop.run(_timed(pickle.load(sys.stdin.buffer)))))
