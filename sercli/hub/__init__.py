"""Push bundles to model repositories of the Hugging Face Hub, and pull them.

The package needs the extra ``sercli[hub]``; its library is imported only when it is used. The library also
manages the login and the address of the Hub: ``hf auth login``, ``HF_TOKEN``, ``HF_ENDPOINT``.
"""

from sercli.errors import SerError


class HubError(SerError):
    """A model repository can't be reached, read or written, or a bundle must not be published."""
