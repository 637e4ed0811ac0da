"""A web page where one records or uploads speech and sees what trained models say of it.

Gradio is imported by `sercli.demo.page` and `sercli.demo.server` alone.
"""
