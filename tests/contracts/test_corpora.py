"""What holds for every corpus."""

from dataclasses import replace

import pytest

from sercli.corpora import corpus_names, get_corpus
from sercli.errors import ConfigError
from sercli.protocols import get_protocol
from sercli.records import Problem
from sercli.schemes import get_scheme


@pytest.mark.parametrize("name", corpus_names())
def test_every_corpus_says_where_it_comes_from(name):
    corpus = get_corpus(name)
    assert corpus.title
    assert corpus.source
    assert corpus.licence
    assert corpus.layout
    assert corpus.utterances is None or corpus.utterances > 0


RELEASED = [name for name in corpus_names() if not (get_corpus(name).any_name or get_corpus(name).synthetic)]


@pytest.mark.parametrize("name", RELEASED)
def test_a_released_corpus_states_its_language_and_who_has_it(name):
    corpus = get_corpus(name)
    assert corpus.language
    assert "https://" in (corpus.origin or "") or "http://" in (corpus.origin or "") or corpus.download
    exact = corpus.hours is None or corpus.seconds is None
    assert exact or abs(corpus.hours - corpus.seconds / 3600) < 0.01


_SPEAKERS = {"ased": 65, "asvp-esd": 131, "banglaser": 34, "demos": 68, "emozionalmente": 431, "mead": 48}


@pytest.mark.parametrize("name", RELEASED)
def test_the_default_protocol_follows_from_the_number_of_speakers(name):
    corpus = get_corpus(name)
    speakers = len(corpus.known.get("speaker", ()))
    if corpus.default_protocol in {"leave-one-session-out", *(each.base for each in corpus.protocols)}:
        return  # of the papers on this corpus
    # Numbers by speaker are not known.
    speakers = _SPEAKERS.get(name, speakers)
    usual = (
        "stratified-5-fold"
        if speakers < 2
        else "leave-one-speaker-out-no-dev"
        if speakers == 2
        else "leave-one-speaker-out"
        if speakers <= 12
        else "speaker-5-fold"
    )
    assert corpus.default_protocol == usual


@pytest.mark.parametrize("name", RELEASED)
def test_the_first_scheme_has_all_classes_and_one_the_usual_ones(name):
    corpus = get_corpus(name)
    known = set(corpus.known.get("emotion", ())) - {"other", "undecided"}
    if name in ("iemocap", "msp-podcast", "recola"):
        return  # too rare classes; no counts by emotion of the latest release; continuous labels
    usual = known & {"anger", "happiness", "neutral", "sadness"}
    assert set(corpus.schemes[0].merge) == known
    assert any(set(scheme.merge.values()) == usual for scheme in corpus.schemes)


@pytest.mark.parametrize("name", corpus_names())
def test_a_faulty_recording_is_one_of_the_corpus(name):
    corpus = get_corpus(name)
    assert all(each.startswith(f"{name}/") for each in corpus.faulty)
    assert all(each in corpus.ids for each in corpus.faulty if corpus.ids)


@pytest.mark.parametrize("name", corpus_names())
def test_what_is_downloaded_comes_encrypted_and_is_checked(name):
    download = get_corpus(name).download
    if download is not None:
        assert download.url.startswith("https://")
        assert download.size
        assert len(download.md5) == 32


@pytest.mark.parametrize("name", corpus_names())
def test_the_known_counts_of_every_corpus_agree_with_its_size(name):
    corpus = get_corpus(name)
    for counts in corpus.known.values():
        assert sum(counts.values()) == corpus.utterances
    if corpus.ids is not None:
        assert len(set(corpus.ids)) == corpus.utterances


@pytest.mark.parametrize("name", corpus_names())
def test_an_empty_folder_holds_no_utterance_of_any_corpus(name, tmp_path):
    corpus = get_corpus(name)
    found = list(corpus.parse(tmp_path, *corpus.chosen({})))
    assert all(isinstance(item, Problem) for item in found)
    assert not found or corpus.takes_file


@pytest.mark.parametrize("name", corpus_names())
def test_an_unknown_setting_of_any_corpus_is_an_error(name):
    with pytest.raises(ConfigError, match="unknown setting 'no_such'"):
        get_corpus(name).chosen({"no_such": 1})


@pytest.mark.parametrize("name", corpus_names())
def test_the_schemes_and_protocols_of_a_corpus_are_found_by_name(name):
    corpus = get_corpus(name)
    assert [get_scheme(scheme.name) for scheme in corpus.schemes] == list(corpus.schemes)
    assert [get_protocol(each.base) for each in corpus.protocols] == list(corpus.protocols)
    assert get_protocol(corpus.default_protocol).corpus in (None, name)


def test_a_scheme_that_is_not_named_after_its_corpus_is_a_bug(monkeypatch):
    foreign = replace(get_corpus("synth"), schemes=get_corpus("emodb").schemes)
    monkeypatch.setattr("sercli.corpora.synth.CORPUS", foreign)
    with pytest.raises(TypeError, match="'emodb-7' must be for corpus 'synth'"):
        get_corpus("synth")


@pytest.mark.parametrize("name", [n for n in corpus_names() if get_corpus(n).synthetic])
def test_a_synthetic_corpus_says_that_it_proves_nothing(name):
    notice = get_corpus(name).notice
    assert notice is not None
    assert "synthetic" in notice.lower()
    assert "nothing about people" in notice


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("aesdd", "a03 (3)"),
        ("ased", "a5-02-01-01-33"),
        ("cafe", "12-P-2-5"),
        ("casia", "wangzhe_neutral_239"),
        ("crema-d", "1001_IEO_ANG_HI"),
        ("demos", "NP_m_23_tri00a"),
        ("emodb", "03a01Fa"),
        ("emov-db", "bea_amused_1-28_0001"),
        ("emovo", "dis-f1-b1"),
        ("enterface", "s1_an_1"),
        ("esd", "0011_000351"),
        ("iemocap", "Ses01F_impro01_F000"),
        ("jl-corpus", "female1_angry_10a_1"),
        ("m3ed", "A_shaonianpai_1_1"),
        ("mead", "M003_angry_level_1_001"),
        ("meld", "train_dia0_utt0"),
        ("mesd", "Anger_F_A_tarde"),
        ("msp-improv", "MSP-IMPROV-S01A-F01-P-FM01"),
        ("msp-podcast", "MSP-PODCAST_0001_0008"),
        ("nemo", "EB0_anger_1"),
        ("pst", "m3.s_trzymaj_5"),
        ("ravdess", "03-01-05-02-01-01-07"),
        ("ravdess-song", "03-02-05-02-01-01-07"),
        ("resd", "32_happiness_enthusiasm_h_120"),
        ("savee", "DC_a01"),
        ("shemo", "F01A02"),
        ("subesco", "F_10_FAHMEE_S_6_FEAR_5"),
        ("tess", "OAF_back_angry"),
        ("turev-db", "1984_sk_eger"),
        ("urdu", "SM1_F10_A010"),
    ],
)
def test_a_file_name_belongs_to_one_corpus(name, stem):
    readers = {each: read for each in corpus_names() if (read := get_corpus(each).from_name)}
    known = {each: found for each, read in readers.items() if (found := read(stem)) is not None}
    assert list(known) == [name]
    assert (known[name].corpus, known[name].file) == (name, "")
    assert known[name].id.startswith(f"{name}/")
