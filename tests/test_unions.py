"""Several corpora as one: names, speakers, recordings that are in two of them, facts."""

from dataclasses import replace

import pytest
from conftest import tone

from sercli import Workspace, unions
from sercli.audit import Verdict, examine
from sercli.audit.protocol import divisions, from_protocol
from sercli.corpora import corpus_names, get_corpus
from sercli.errors import ConfigError, CorpusError, ProtocolError
from sercli.preparation import prepare
from sercli.protocols import get_protocol, shared_speakers
from sercli.records import Utterance
from sercli.runs.config import RunConfig
from sercli.schemes import default_scheme, schemes_of


def corpus(name, speakers, each=2, **facts):
    """Make utterances whose audio is different from all others."""
    return [
        Utterance(
            id=f"{name}/{speaker}-{take}",
            corpus=name,
            file=f"audio/{speaker}-{take}.wav",
            sha256=f"{name}-{speaker}-{take}",
            speaker=speaker,
            gender="female" if place % 2 else "male",
            emotion=("anger", "sadness")[take % 2],
            **facts,
        )
        for place, speaker in enumerate(speakers)
        for take in range(each)
    ]


def test_a_union_has_one_name():
    assert unions.union_name("ravdess+emodb") == unions.union_name("emodb + ravdess") == "emodb+ravdess"
    assert unions.corpora_of("emodb") == ("emodb",)
    assert unions.common_corpora("a+b", "b+c") == ["b"]
    for wrong, message in (("emodb+", "write names of corpora"), ("a+b+a", "names 'a' twice")):
        with pytest.raises(ConfigError, match=message):
            unions.corpora_of(wrong)


def test_runs_on_a_union_have_one_name_whatever_the_order():
    def name(corpus):
        return RunConfig(
            arch="mdcnn", corpus=corpus, scheme="common-4", protocol="leave-one-corpus-out"
        ).identity("0")

    assert name("emodb+ravdess") == name("ravdess+emodb") != name("emodb+synth")


def test_names_get_their_corpus_in_front_and_files_the_folder_of_their_corpus():
    one = replace(corpus("a", ["1"])[0], session="s", dialog="d", text_id="t", trace="traces/1.npy")
    other = replace(corpus("b", ["1"])[0], speaker="unknown")
    first, second = unions.join({"b": [other], "a": [one]}).utterances
    assert (first.speaker, first.session, first.dialog, first.text_id) == ("a/1", "a/s", "a/d", "a/t")
    assert (first.file, first.trace) == ("a/audio/1-0.wav", "a/traces/1.npy")
    assert (second.speaker, second.session) == ("unknown", None), "nobody does not become a person"


def test_a_recording_of_two_corpora_is_used_once_and_its_speakers_become_one():
    first, second = corpus("a", ["1", "2"]), corpus("b", ["x", "y"])
    second[0] = replace(second[0], sha256=first[2].sha256, emotion="neutral")
    union = unions.join({"a": first, "b": second})
    assert [each.id for each in union.utterances] == [*(u.id for u in first), *(u.id for u in second[1:])]
    assert [(each.left_out.id, each.kept.id) for each in union.repeated] == [("b/x-0", "a/2-0")]
    speakers = {each.id: each.speaker for each in union.utterances}
    assert speakers["b/x-1"] == speakers["a/2-1"] == "a/2"
    assert speakers["b/y-0"] == "b/y"
    assert union.notes() == [
        (
            "1 recording of b is also in a, 1 of them with another label, and left out of b, "
            "such as b/x-0 = a/2-0"
        ),
        "a/2 and b/x have recordings in common, and count as one speaker, a/2",
    ]


def test_recordings_that_only_one_corpus_repeats_stay():
    twice = [replace(each, sha256="same") for each in corpus("a", ["1"])]
    assert len(unions.join({"a": twice, "b": corpus("b", ["1"])}).utterances) == 4


def test_one_id_in_two_corpora_is_refused():
    with pytest.raises(ConfigError, match=r"'b' and 'a' both have an utterance 'a/1-0'"):
        unions.join({"a": corpus("a", ["1"]), "b": corpus("a", ["1"])})


def test_actors_who_speak_and_sing_are_the_same_people():
    assert get_corpus("ravdess-song").speakers_of == "ravdess"
    parts = {"ravdess": corpus("ravdess", ["01", "02"]), "ravdess-song": corpus("ravdess-song", ["01", "02"])}
    union = unions.join(parts, {"ravdess-song": "ravdess"})
    assert {each.speaker for each in union.utterances} == {"ravdess/01", "ravdess/02"}
    known = set(corpus_names())
    assert all(get_corpus(name).speakers_of in {None, *known} for name in known)


@pytest.mark.parametrize("protocol", ["speaker-5-fold", "leave-one-corpus-out", "leave-one-speaker-out"])
def test_no_speaker_is_in_two_parts_and_each_utterance_is_tested_once(protocol):
    parts = {name: corpus(name, [f"{i:02d}" for i in range(6)]) for name in ("a", "b", "c")}
    utterances = unions.join(parts).utterances
    labels = {each.id: str(each.emotion) for each in utterances}
    folds = get_protocol(protocol).divide(utterances, labels)
    assert sorted(name for fold in folds for name in fold.test) == sorted(labels)
    assert shared_speakers(folds, utterances) == 0
    found = {
        each.check: each.verdict for each in examine(divisions(utterances, folds, get_protocol(protocol)))
    }
    assert found["speakers"] is Verdict.CLEAN


def test_each_corpus_is_tested_and_every_fifth_speaker_of_the_others_is_dev():
    parts = {"a": corpus("a", ["1", "2"]), "b": corpus("b", list("123456")), "c": corpus("c", ["1"])}
    utterances = unions.join(parts).utterances
    labels = {each.id: str(each.emotion) for each in utterances}
    folds = get_protocol("leave-one-corpus-out").divide(utterances, labels)
    assert [fold.name for fold in folds] == ["corpus a", "corpus b", "corpus c"]
    # Of b and c by gender and name: women b/2 b/4 b/6, men b/1 b/3 b/5 c/1.
    assert folds[0].dev == ("b/2-0", "b/2-1", "b/5-0", "b/5-1")
    assert folds[1].dev == ("a/2-0", "a/2-1")
    assert set(folds[0].train) == {u.id for name in "bc" for u in parts[name]} - set(folds[0].dev)
    without = get_protocol("leave-one-corpus-out-no-dev").divide(utterances, labels)
    assert [set(fold.train) for fold in without] == [{*fold.train, *fold.dev} for fold in folds]


def test_a_speaker_of_the_tested_corpus_is_not_trained_on():
    song = corpus("b", ["1", "2", "3"])
    utterances = unions.join({"a": corpus("a", ["1", "2"]), "b": song}, {"b": "a"}).utterances
    labels = {each.id: str(each.emotion) for each in utterances}
    protocol = get_protocol("leave-one-corpus-out-no-dev")
    with pytest.raises(ProtocolError, match="without b, no other speaker remains to train on"):
        protocol.divide(utterances, labels)
    both = [*utterances, *unions.join({"c": corpus("c", ["9"]), "d": []}).utterances]
    labels = {each.id: str(each.emotion) for each in both}
    folds = protocol.divide(both, labels)
    assert folds[0].train == ("b/3-0", "b/3-1", "c/9-0", "c/9-1")
    assert shared_speakers(folds, both) == 0


def test_unknown_speakers_of_the_tested_corpus_are_not_trained_on():
    nobody = [replace(each, speaker=None) for each in corpus("a", ["1"])]
    parts = {"a": [*nobody, *corpus("a", ["2"])], "b": corpus("b", ["1"]), "c": corpus("c", ["1"])}
    utterances = unions.join(parts).utterances
    labels = {each.id: str(each.emotion) for each in utterances}
    folds = get_protocol("leave-one-corpus-out-no-dev+unknown-train").divide(utterances, labels)
    assert folds[0].train == ("b/1-0", "b/1-1", "c/1-0", "c/1-1")
    assert set(folds[1].train) == {"a/1-0", "a/1-1", "a/2-0", "a/2-1", "c/1-0", "c/1-1"}


def test_one_corpus_can_not_be_left_out():
    utterances = corpus("a", ["1", "2", "3"])
    labels = {each.id: str(each.emotion) for each in utterances}
    message = r"needs 2 corpora or more, found a; name several, as in --corpus a\+OTHER; speaker-3-fold works"
    with pytest.raises(ProtocolError, match=message):
        get_protocol("leave-one-corpus-out").divide(utterances, labels)


def test_a_reason_of_one_corpus_excuses_no_other():
    """EMO-DB states that all actors speak the same sentences; a corpus of the user's own states nothing."""
    emodb = corpus("emodb", list("123"), text_id="t")
    for text, verdict in (("t", Verdict.LEAK), (None, Verdict.KNOWN)):
        own = corpus("own", list("123"), text_id=text)
        utterances = unions.join({"emodb": emodb, "own": own}).utterances
        labels = {each.id: str(each.emotion) for each in utterances}
        protocol = get_protocol("speaker-3-fold")
        made = divisions(utterances, protocol.divide(utterances, labels), protocol)
        (texts,) = (each for each in examine(made) if each.check == "texts")
        assert texts.verdict is verdict
        assert (texts.reason or "").startswith("emodb: every actor") == (verdict is Verdict.KNOWN)


def test_the_default_scheme_has_the_common_classes():
    assert default_scheme("emodb+ravdess", emotions=True, traces=False) == "common-4"
    assert schemes_of("emodb+ravdess")[0].name == "common-4"
    assert {each.name for each in schemes_of("a+b")} == {each.name for each in schemes_of("anything")}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A workspace with EMO-DB and two tables of ratings, on two scales."""
    import soundfile

    root = tmp_path_factory.mktemp("union")
    for i, name in enumerate(("03a01Fa", "03a01Wa", "08a01Na", "08a01Ta")):
        path = root / "emodb" / "wav" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, tone(0.4 + 0.01 * i, pitch=150 + 10 * i, seed=i), 16_000, subtype="PCM_16")
    found = Workspace(root / "workspace")
    prepare("emodb", root / "emodb", found, partial=True)
    for name, scale in (("one", [1, 5]), ("two", [0, 1])):
        (root / name).mkdir()
        lines = ["file,speaker,emotion,arousal"]
        for i in range(4):
            samples = tone(0.4, pitch=scale[1] * 40 + i, seed=i)
            soundfile.write(root / name / f"{i}.wav", samples, 16_000)
            lines.append(f"{i}.wav,{i % 2},{('anger', 'sadness')[i % 2]},1")
        (root / name / "list.csv").write_text("\n".join(lines) + "\n")
        prepare("csv", root / name / "list.csv", found, name=name, settings={"scale": scale})
    return found


def test_its_facts_are_those_of_all_parts(place):
    facts = place.facts("one+emodb")
    emodb = place.facts("emodb")
    assert (facts["corpus"], facts["utterances"], facts["expected"]) == ("emodb+one", 8, None)
    assert facts["title"] == f"{emodb['title']} + {place.facts('one')['title']}"
    assert facts["licence"] == f"emodb: {emodb['licence']}; one: {place.facts('one')['licence']}"
    assert facts["parts"]["emodb"] == {
        **{key: emodb[key] for key in ("title", "licence", "notice", "utterances", "expected")},
        "manifest_sha256": place.manifest_digest("emodb"),
    }
    assert place.facts("one+two")["licence"] == place.facts("one")["licence"]


def test_its_digest_is_that_of_its_manifests(place):
    assert place.manifest_digest("one+emodb") == place.manifest_digest("emodb+one")
    different = {place.manifest_digest(name) for name in ("emodb", "one", "emodb+one", "one+two")}
    assert len(different) == 4
    assert all(len(each) == 64 for each in different)


def test_its_files_are_there(place):
    folder = place.corpus("emodb+one")
    assert all((folder / each.file).is_file() for each in place.utterances("emodb+one"))
    assert place.is_prepared("emodb+one")
    assert not place.is_prepared("emodb+none")
    with pytest.raises(CorpusError, match="corpus 'none' is not prepared"):
        place.utterances("emodb+none")


def test_it_is_audited(place):
    title, made = from_protocol(place, "one+emodb", None, "leave-one-speaker-out")
    assert title.startswith("emodb+one, common-4, leave-one-speaker-out@1")
    assert [each.name for each in made] == [
        f"speaker {name}" for name in ("emodb/03", "emodb/08", "one/0", "one/1")
    ]


def test_ratings_on_two_scales_are_not_learned_as_one(place):
    from sercli.training.plan import make_plan
    from sercli.training.settings import complete

    settings = {"arch": "mdcnn", "scheme": "dimensions", "protocol": "random-2-fold", "corpus": "one+two"}
    config = complete(settings)
    with pytest.raises(ConfigError, match=r"scales of the ratings differ \(one 1 to 5, two 0 to 1\)"):
        make_plan(config, place)
