"""A web page where users record or upload speech and see the answers of trained models.

Only `sercli.demo.page` and `sercli.demo.server` import Gradio.
"""
