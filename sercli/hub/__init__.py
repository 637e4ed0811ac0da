"""Bundles in model repositories of the Hugging Face Hub: push one, pull one.

Needs the extra ``sercli[hub]``, whose library is imported when it is used and no sooner. Who is logged in,
and where, is that library's business: ``hf auth login``, ``HF_TOKEN``, ``HF_ENDPOINT``.
"""

from sercli.errors import SerError


class HubError(SerError):
    """A model repository that can't be reached, read or written, or what must not be put there."""
