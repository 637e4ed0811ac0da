"""Commands as users start them: each in a process of its own."""

import os
import subprocess
import sys

# A process's peak counts from before it was another program, so it is started by one that is small.
_MEASURE = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def run(*arguments: str, threads: int | None = None) -> float:
    """Run `sercli`; return its memory at its peak, MiB."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, sys.executable, "-m", "sercli", *arguments],
        env=os.environ | ({} if threads is None else {"OMP_NUM_THREADS": str(threads)}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(done.stdout) / (2**20 if sys.platform == "darwin" else 2**10)
