"""The template process, which has imported everything that a training needs, and forks for each trial."""

import gc
import json
import os
import selectors
import signal
import socket
from collections.abc import Sequence
from importlib import import_module

# What a training imports, also what torch and Lightning import only when they first need it.
_IMPORTED = ("sercli.training.trials", "sercli.training.fit", "torch._dynamo")

MESSAGE_BYTES = 1 << 16
"""Longest message between a template and the process that started it."""


def await_start(control: socket.socket) -> list[str] | None:
    """Be a template: import everything, and fork at each request.

    Args:
        control: connection with the process that started the template, as standard input.

    Returns:
        In each fork, the arguments of its command; in the template, ``None`` when the connection is closed.
    """
    for name in _IMPORTED:
        import_module(name)
    gc.collect()
    gc.freeze()  # otherwise the first collection of each fork copies all pages
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a fork has its own handler
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    running: dict[int, int] = {}  # number of the request, by process
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is woken:
                    woken.recv(MESSAGE_BYTES)
                    _report_ended(running, control)
                    continue
                message, streams, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 2)
                if not message:
                    return None
                request = json.loads(message)
                if "signal" in request:
                    for process in running:
                        os.kill(process, request["signal"])
                    continue
                process = _fork(streams)
                if process == 0:
                    for held in (selector, woken, waker):
                        held.close()
                    return list(request["arguments"])
                running[process] = request["number"]


def _fork(streams: Sequence[int]) -> int:
    """Fork; return the process in the template, and 0 in the fork, which prints into the streams."""
    # A signal that arrives before the fork has its own handler stays pending until then.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    process = os.fork()
    if process == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for place, stream in enumerate((nothing, *streams)):  # this replaces the connection, too
            os.dup2(stream, place)
        os.close(nothing)
    for stream in streams:
        os.close(stream)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    return process


def _report_ended(running: dict[int, int], control: socket.socket) -> None:
    """Report the forks that have ended, each with its exit status, and forget them."""
    for process in list(running):
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            message = {"number": running.pop(process), "status": os.waitstatus_to_exitcode(status)}
            control.send(json.dumps(message).encode())
