"""Import torchaudio in a way that works with any torch.

The pure-Python part of torchaudio (filterbanks, transforms, masking) needs no compiled extension, but its
import loads one. This fails if the extension was built for another torch, for example beside a CPU-only
torch. In this case an empty module replaces the extension.
"""

import importlib
import sys
from types import ModuleType

_EXTENSION = "torchaudio._extension"


def _import() -> ModuleType:
    try:
        return importlib.import_module("torchaudio")
    except (ImportError, OSError, RuntimeError):
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
            del sys.modules[name]
        sys.modules[_EXTENSION] = _stand_in()
        return importlib.import_module("torchaudio")


def _stand_in() -> ModuleType:
    module = ModuleType(_EXTENSION)

    def fail_if_no_align(function: object) -> object:
        return function

    vars(module).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_RIR_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
        fail_if_no_align=fail_if_no_align,
        lazy_import_sox_ext=None,
    )
    return module


torchaudio = _import()
