"""What the servers of the package share: limits on recordings, requests that end in time, sockets, models.

`sercli.demo` and `sercli.serve` use it. Only `sercli.web.sockets` imports uvicorn.
"""
