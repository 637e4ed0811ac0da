import pytest

from sercli import registry
from sercli.corpora import Corpus, corpus_names
from sercli.errors import UnknownNameError


def test_entries_are_the_files_without_an_underscore():
    names = corpus_names()
    assert {"emodb", "ravdess", "synth", "synth-continuous"} <= set(names)
    assert names == sorted(names)
    assert not any(name.startswith(("-", "_")) for name in names)


def test_an_unknown_name_lists_the_nearest():
    with pytest.raises(UnknownNameError, match=r"the list of corpora has no 'emo-db'; did you mean emodb\?"):
        registry.load("sercli.corpora", "emo-db", "CORPUS", Corpus)


@pytest.mark.parametrize("name", ["CREMA-D", "cremad", "crema_d", "Crema D"])
def test_capitals_and_hyphens_are_no_other_name(name):
    with pytest.raises(UnknownNameError, match=rf"no '{name}'; did you mean crema-d\?$"):
        registry.load("sercli.corpora", name, "CORPUS", Corpus)


def test_a_file_without_its_constant_is_a_bug_and_says_which():
    with pytest.raises(TypeError, match=r"sercli\.corpora\.emodb must define CORPSE as a Corpus"):
        registry.load("sercli.corpora", "emodb", "CORPSE", Corpus)
