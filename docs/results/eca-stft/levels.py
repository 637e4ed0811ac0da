"""Print the level of each window length on EMO-DB: mean log energy over filters that no variant leaves empty.

Usage: levels.py WORKSPACE, in which emodb is prepared. Every eighth utterance is taken, its padding left out.
"""

import sys

from sercli import audio, manifest
from sercli.features.logmel import FEATURE, LogMelConfig, empty, extract, span
from sercli.workspace import Workspace

place = Workspace(sys.argv[1])
utterances = manifest.read(place.manifest("emodb"))[::8]
full = ~empty(LogMelConfig(**FEATURE.variants["v1"]))[0, :, 0]
for label, settings in {"raw": {}, "normalised": {"normalise_window": True, "floor": 1e-15}}.items():
    for name, variant in FEATURE.variants.items():
        config = LogMelConfig(**variant, **settings)
        total, count = 0.0, 0
        for utterance in utterances:
            samples = audio.read(place.corpus("emodb") / utterance.file)
            first, last = span(len(samples), config)
            energies = extract(samples, config)[0][full, first:last]
            total, count = total + float(energies.sum(dtype=float)), count + energies.size
        print(f"{label},{name},{total / count:.2f}")
