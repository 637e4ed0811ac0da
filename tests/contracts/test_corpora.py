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
