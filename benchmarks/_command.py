"""Run commands as users do, each in a separate process."""

import os
import subprocess
import sys

# The peak of a process includes the memory before it became another program, so a small process starts it.
_MEASURE = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def run(*arguments: str, threads: int | None = None) -> float:
    """Run `sercli`, and return its peak memory in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, sys.executable, "-m", "sercli", *arguments],
        env=os.environ | ({} if threads is None else {"OMP_NUM_THREADS": str(threads)}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(done.stdout) / (2**20 if sys.platform == "darwin" else 2**10)
