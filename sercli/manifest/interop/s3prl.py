"""s3prl's lists of IEMOCAP: ``{"labels": {"neu": 0, ...}, "meta_data": [{"path", "label", "speaker"}]}``.

A label is a name of ``labels``, or its number.

Source: Yang et al., SUPERB, Interspeech 2021; s3prl/downstream/emotion/meta_data.
"""

from collections.abc import Iterator
from pathlib import Path

from sercli.errors import ManifestError
from sercli.manifest.interop import Format
from sercli.manifest.interop._label_map import LabelMap, turn_round
from sercli.manifest.interop._reading import RecordReader
from sercli.manifest.text import read_start, read_unicode
from sercli.plain.json import from_json
from sercli.records import Problem, Utterance


def recognises(path: Path) -> bool:
    """Recognise it by its key ``meta_data``."""
    start = read_start(path)
    return start.lstrip().startswith("{") and '"meta_data"' in start


def read(path: Path) -> Iterator[Utterance | Problem]:
    """Yield the utterances of a list.

    Raises:
        ManifestError: the file is cut off, or not s3prl's.
    """
    try:
        content = from_json(read_unicode(path), strict=False)
        entries = content["meta_data"]
    except (ValueError, LookupError, TypeError):
        raise ManifestError(f"{path}: damaged JSON, or no key 'meta_data'; fetch it again") from None
    if not isinstance(entries, list):
        raise ManifestError(f"{path}: 'meta_data' is no list; fetch it again")
    numbers = content.get("labels")
    numbers = numbers if isinstance(numbers, dict) else {}
    labels = LabelMap(str(path), "'labels'", turn_round(numbers), numbers)
    if numbers:
        yield from labels.notes(entry.get("label") for entry in entries if isinstance(entry, dict))
    reader = RecordReader()
    for number, entry in enumerate(entries, 1):
        place = f"{path}, entry {number}"
        if isinstance(entry, dict):
            yield reader.read(
                entry | {"file": entry.get("path")}, place, label=labels.name(entry.get("label"))
            )
        else:
            yield Problem(place, "not a JSON object")


FORMAT = Format(recognises, read)
