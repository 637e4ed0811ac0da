"""Small IEMOCAP and RECOLA trees in the layout of the originals, quirks included; trees of empty files."""

import os
import zlib
from collections import Counter, defaultdict

import numpy as np
import soundfile

from sercli.records import Problem, Utterance


def touch_all(root, places):
    """Make empty files, thousands in a second: readers open no audio."""
    places = list(places)
    for folder in {(root / place).parent for place in places}:
        folder.mkdir(parents=True, exist_ok=True)
    for place in places:
        os.close(os.open(root / place, os.O_CREAT | os.O_WRONLY))
    return root


def split(found):
    """Divide what a reader yields into utterances and problems."""
    found = list(found)
    return (
        [item for item in found if isinstance(item, Utterance)],
        [item for item in found if isinstance(item, Problem)],
    )


def count(utterances, *fields):
    """Count utterances by the values of one field, or of several together."""
    values = (tuple(getattr(each, name) for name in fields) for each in utterances)
    return Counter(value[0] if len(fields) == 1 else value for value in values)


def write_noise(path, name, seconds, rate):
    """Write a wav file of quiet noise, another one for each name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(zlib.crc32(name.encode())).normal(0, 0.05, round(seconds * rate))
    soundfile.write(path, noise, rate, subtype="PCM_16")


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))


def dialog_of(turn):
    return turn.rpartition("_")[0]


TWO_RATERS = "C-E2:\tNeutral;\t()\nC-E4:\tHappiness; Excited;\t(curious)\n"
_RATED = {"ang": "Anger", "dis": "Disgust", "exc": "Excited", "fea": "Fear", "fru": "Frustration"}
_RATED |= {"hap": "Happiness", "neu": "Neutral", "oth": "Other", "sad": "Sadness", "sur": "Surprised"}


def three_raters(code):
    """Three raters of whom two give the label, or none the same, and the actor's own judgement."""
    if code == "xxx":
        named = ["Anger", "Sadness; Neutral", "Frustration"]
    else:
        named = [_RATED[code], _RATED[code], "Frustration" if code == "ang" else "Anger"]
    lines = [f"C-E{number}:\t{labels};\t()\n" for number, labels in enumerate(named, 2)]
    return "".join([*lines, "C-F1:\tFear;\t()\n"])


def iemocap_block(
    turn, code="neu", start=6.2901, end=8.2357, ratings="2.5000, 3.0000, 5.5000", raters=TWO_RATERS
):
    """One turn of a label file, as the original's: a double space, a rater with two labels."""
    return (
        f"[{start:.4f} - {end:.4f}]\t{turn}\t{code}\t[{ratings}]\n{raters}"
        "A-E3:\tval 3; act 2; dom  2;\t()\nA-F1:\tval 2; act 3; dom  ;\t(staying polite, attitude)\n\n"
    )


def same_ratings(turn):
    """Ratings of a turn, valence first."""
    return (2.5, 3.0, 5.5)


def varied_ratings(turn):
    """Ratings of a turn that depend on its name: halves from 1 to 5."""
    seed = zlib.crc32(turn.encode())
    return tuple(1 + (seed >> shift) % 9 / 2 for shift in (0, 8, 16))


def build_iemocap(root, turns, link=None, raters=lambda code: TWO_RATERS, ratings=same_ratings):
    """Lay out the turns of a mapping such as {"Ses01F_impro01_F000": "neu"}, by time in its order.

    Every turn has 0.6 s of its own audio, or all have that of the file ``link``, in no more room on
    disk than one: unlink a file before changing it. ``raters`` gives the raters' lines of an emotion,
    ``ratings`` valence, activation and dominance of a turn.
    """
    dialogs = defaultdict(dict)
    for turn, code in turns.items():
        dialogs[dialog_of(turn)][turn] = code
    for dialog, codes in dialogs.items():
        session = root / f"Session{dialog[4]}"
        labels, wavs = session / "dialog" / "EmoEvaluation", session / "sentences" / "wav" / dialog
        times = {turn: (float(i), i + 0.6) for i, turn in enumerate(codes)}
        blocks = (
            iemocap_block(
                turn,
                code,
                *times[turn],
                ", ".join(f"{each:.4f}" for each in ratings(turn)),
                raters=raters(code),
            )
            for turn, code in codes.items()
        )
        header = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
        write(labels / f"{dialog}.txt", header + "".join(blocks))
        write(labels / f"._{dialog}.txt", b"\x00\x05\x16\x07")
        write(labels / "Categorical" / f"{dialog}_e2_cat.txt", f"{dialog}_F000 :Neutral state; ()\n")
        words = [f"{turn} [{a:08.4f}-{b:08.4f}]: These are {turn}.\n" for turn, (a, b) in times.items()]
        unlabelled = [f"{dialog}_FXX0 [900.0000-901.0000]: Mm.\n", "M: [LAUGHTER]\n"]
        write(session / "dialog" / "transcriptions" / f"{dialog}.txt", "".join(words + unlabelled))
        write(wavs / f"._{dialog}_F000.wav", b"\x00\x05\x16\x07")
        for turn in codes:
            if link is None:
                write_noise(wavs / f"{turn}.wav", turn, 0.6, 16_000)
            else:
                (wavs / f"{turn}.wav").hardlink_to(link)
    return root


def _spread(counts):
    """List each key as often as its count says, as evenly as can be: any stretch is like the whole."""
    ranked = sorted(((i + 0.5) / n, str(key), key) for key, n in counts.items() for i in range(n))
    return [key for _, _, key in ranked]


_PLAYS = ("01_1", "01_2", "01_3", "02_1", "02_2", "03_1", "03_2")
# Styles, emotions, and sessions (of the first block: speakers), each adding up to the same number.
_BLOCKS = (
    (
        {"improvised": 2280},
        {"ang": 289, "sad": 608, "neu": 1099, "hap": 284},
        {"1F": 217, "1M": 205, "2F": 185, "2M": 208, "3F": 264, "3M": 274}
        | {"4F": 149, "4M": 221, "5F": 298, "5M": 259},
    ),
    ({"improvised": 663}, {"exc": 663}, {"1": 99, "2": 137, "3": 89, "4": 164, "5": 174}),
    (
        {"scripted": 2588},
        {"ang": 814, "sad": 476, "neu": 609, "hap": 311, "exc": 378},
        {"1": 564, "2": 493, "3": 524, "4": 497, "5": 510},
    ),
    (
        {"improvised": 1841, "scripted": 2667},
        {"fru": 1849, "sur": 107, "fea": 40, "oth": 3, "dis": 2, "xxx": 2507},
        {"1": 734, "2": 788, "3": 985, "4": 1072, "5": 929},
    ),
)


def full_iemocap_turns():
    """Name 10 039 turns, with their emotions, that have every count that CORPORA.md gives.

    These are those by session, emotion and style, by session in each of the four-class merges, by
    speaker in that of 2280, and the 4951 turns on which prefix and speaker differ. What they leave
    open is filled in proportion.
    """
    cells = []
    for styles, emotions, columns in _BLOCKS:
        column = [key for key, count in columns.items() for _ in range(count)]
        cells += zip(_spread(styles), _spread(emotions), column, strict=True)
    turns, taken = {}, Counter()
    sides = _spread({"same": 10039 - 4951, "other": 4951})
    for i, ((style, emotion, column), side) in enumerate(zip(cells, sides, strict=True)):
        session, speaker = column[0], column[1:] or "FM"[i % 2]
        prefix = speaker if side == "same" else {"F": "M", "M": "F"}[speaker]
        kind = f"impro0{1 + i % 7}" if style == "improvised" else f"script{_PLAYS[i % 7]}"
        dialog = f"Ses0{session}{prefix}_{kind}"
        turns[f"{dialog}_{speaker}{taken[dialog, speaker]:03d}"] = emotion
        taken[dialog, speaker] += 1
    return turns


def full_iemocap(root):
    """Lay out a tree of the released size; its recordings are links to one file (see `build_iemocap`)."""
    write_noise(root / "Documentation" / "noise.wav", "all", 0.6, 16_000)
    link = root / "Documentation" / "noise.wav"
    turns = full_iemocap_turns()
    return build_iemocap(root, turns, link=link, raters=three_raters, ratings=varied_ratings)


def write_raters(path, times, ratings):
    """Write a rating file of RECOLA: times, and ratings (frames, raters)."""
    names = [f"{sex}{i}" for sex in ("FM", "FF") for i in (1, 2, 3)][: np.shape(ratings)[1]]
    rows = (";".join([f"{t:.2f}", *(f"{x:.2f}" for x in row)]) for t, row in zip(times, ratings, strict=True))
    write(path, "time;" + " ;".join(names) + " \n" + "\n".join(rows) + "\n")


def write_gold(path, times, values):
    """Write a gold standard of AVEC: times, and values (frames,)."""
    head = f"@relation GOLDSTANDARD_{path.parent.name.upper()}\n\n@attribute Instance_name string\n"
    head += "@attribute frameTime numeric\n@attribute GoldStandard numeric\n\n\n@data\n\n"
    rows = (f"'{path.stem}',{t:.2f},{x:.6f}\n" for t, x in zip(times, values, strict=True))
    write(path, head + "".join(rows))


def _curves(name, seconds, raters):
    """Times, and for each dimension a slow wave as the raters see it, each with an offset."""
    times = np.arange(round(seconds * 25) + 1) / 25
    seed = zlib.crc32(name.encode()) % 7
    for k, dimension in enumerate(("arousal", "valence")):
        wave = 0.5 * np.sin(2 * np.pi * times / (3 + seed + 2 * k))
        yield dimension, times, wave[:, None] + 0.1 * np.arange(raters)


def build_recola(root, names=("P16", "P17"), seconds=2.0, raters=3):
    """Lay out the full database: 44.1 kHz recordings, each with its raters' curves."""
    for name in names:
        write_noise(root / "RECOLA-Audio-recordings" / f"{name}.wav", name, seconds, 44_100)
        for dimension, times, ratings in _curves(name, seconds, raters):
            folder = root / "RECOLA-Annotation" / "emotional_behaviour" / dimension
            write_raters(folder / f"{name}.csv", times, ratings)
    return root


def build_avec(root, names=("train_1", "dev_1", "test_1"), seconds=2.0, raters=3):
    """Lay out the release of AVEC: gold standards and raters, neither for the test part."""
    for name in names:
        write_noise(root / "recordings_audio" / f"{name}.wav", name, seconds, 44_100)
        for dimension, times, ratings in [] if name.startswith("test") else _curves(name, seconds, raters):
            write_raters(root / "ratings_individual" / dimension / f"{name}.csv", times, ratings)
            write_gold(root / "ratings_gold_standard" / dimension / f"{name}.arff", times, ratings.mean(1))
    return root
