"""The same audio under two names."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from sercli import audio
from sercli.audit import Division, Finding, Item, Verdict, judge
from sercli.errors import AudioError

_CHECK = "same audio"


def same_audio(division: Division) -> Finding:
    """Find recordings that are byte for byte, or sample for sample, another one in another part."""
    items = [item for item in division.items if item.utterance.sha256]
    if not items:
        return Finding(
            _CHECK, Verdict.NOT_CHECKED, "the audio is not at hand; --audio-root says where it lies"
        )
    parts = {id(item): part for part, found in division.parts.items() for item in found}
    alike: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        alike[item.utterance.sha256].append(item)
    groups = [group for group in alike.values() if len({item.utterance.id for item in group}) > 1]
    across = [group for group in groups if len({parts[id(item)] for item in group}) > 1]
    absent = len(division.items) - len(items)
    left = f"; {absent} without audio at hand" if absent else ""
    if across:
        fact = f"{len(across)} recordings under several names in two parts{_kinds(across)}{left}"
        return judge(_CHECK, division, fact, [_names(group, parts) for group in across])
    within = f"; {len(groups)} under several names within a part{_kinds(groups)}" if groups else ""
    examples = tuple(_names(group, parts) for group in groups[:3])
    return Finding(
        _CHECK, Verdict.CLEAN, f"{len(alike)} recordings, none in two parts{within}{left}", examples
    )


def hash_audio(items: list[Item]) -> list[Item]:
    """Fill in the hashes of items whose audio is at hand; a file that can't be read stays without."""

    def filled(item: Item) -> Item:
        if item.utterance.sha256 or item.path is None:
            return item
        path = Path(item.path)
        try:
            samples, header = audio.decode(path, item.utterance.start, item.utterance.end)
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        except (AudioError, OSError):
            return item
        hashed = replace(item.utterance, sha256=audio.hash_samples(samples), source_sha256=content)
        return replace(item, utterance=hashed, seconds=len(samples) / header.sample_rate)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(filled, items))


def _kinds(groups: list[list[Item]]) -> str:
    """Say how many of the groups are the same file, and how many the same samples in another file."""
    bytes_too = sum(len({item.utterance.source_sha256 for item in group}) == 1 for group in groups)
    return f" ({bytes_too} byte for byte, {len(groups) - bytes_too} in samples only)"


def _names(group: list[Item], parts: Mapping[int, str]) -> str:
    """Name two of a group, of different parts if there are."""
    first = group[0]
    second = next((item for item in group if parts[id(item)] != parts[id(first)]), group[1])
    more = f" and {len(group) - 2} more" if len(group) > 2 else ""
    labels = {item.utterance.emotion or item.utterance.emotion_raw for item in group}
    differently = " (labelled differently)" if len(labels) > 1 else ""
    return f"{first.utterance.id} = {second.utterance.id}{more}{differently}"
