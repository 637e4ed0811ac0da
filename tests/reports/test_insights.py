from sercli.figures.curves import range_test
from sercli.reports.insights import Insights, read_insights, write_insights


def test_the_page_shows_the_pictures_of_the_first_trial(tmp_path):
    assert read_insights(tmp_path) == {}
    picture = range_test([1e-3, 1e-2], [0.25, 0.5], [2.0, 1.0], clear=0.1)
    for trial in ("fold-02-seed-0", "fold-01-seed-0"):
        write_insights(Insights({"projection": picture}), tmp_path / trial)
    write_insights(Insights({"attention": picture}), tmp_path / "fold-02-seed-0")
    found = read_insights(tmp_path)
    (caption,) = found
    assert caption.endswith("(fold 01 seed 0)")
    assert found[caption].startswith("data:image/png;base64,")
