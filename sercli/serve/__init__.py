"""An HTTP service that predicts recordings, and streams over a websocket; its answers are those of `predict`.

`sercli.serve.server` runs it, `sercli.serve.app` defines its paths. Only these two, and `sercli.serve.guard`,
know HTTP.
"""
