from sercli.records import Utterance, rows_of


def test_rows_by_hand():
    first = Utterance(id="c/1", corpus="c", file="1.wav", speaker="03", gender="female")
    second = Utterance(id="c/2", corpus="c", file="2.wav")
    assert rows_of(iter([first, second]), "speaker 03", 7) == {
        "ids": ("c/1", "c/2"),
        "speakers": ("03", None),
        "genders": ("female", None),
        "folds": ("speaker 03", "speaker 03"),
        "seeds": (7, 7),
    }
    assert rows_of([], "speaker 03", 7) == dict.fromkeys(("ids", "speakers", "genders", "folds", "seeds"), ())
