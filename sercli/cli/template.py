"""``sercli template``, hidden: the process that forks for each trial of a study."""

import atexit
import os
import socket
import sys


def template() -> None:
    """Be the template of processes that train; a program of sercli starts it, with a socket as input."""
    ending = _Ending()
    atexit.register(ending.end)  # the first one registered is the last one called
    from sercli import cli
    from sercli.training.template import await_start

    control = socket.socket(fileno=0)
    arguments = await_start(control)
    control.detach()  # the standard input of a fork has replaced it
    if arguments is None:
        return
    sys.argv[1:] = arguments
    ending.status = 1
    try:
        cli.main()
        ending.status = 0
    except SystemExit as error:
        ending.status = error.code if isinstance(error.code, int) else int(error.code is not None)
        raise


class _Ending:
    """Ends a fork without the destructors of libraries: some wait for threads that only the template has."""

    def __init__(self) -> None:
        self.status: int | None = None

    def end(self) -> None:
        """End the process if it is a fork."""
        if self.status is not None:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.status)
