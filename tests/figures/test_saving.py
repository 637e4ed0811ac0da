import base64
import io
import subprocess
import sys

import matplotlib as mpl
import pytest
from matplotlib import image

from sercli.errors import ConfigError
from sercli.figures import save, to_data_uri
from sercli.figures.classification import confusion_matrix


def figure():
    return confusion_matrix([[3, 1], [0, 5]], ["anger", "fear"])


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml"), (".PNG", b"\x89PNG")]
)
def test_the_suffix_says_what_is_written(tmp_path, suffix, start):
    path = tmp_path / f"confusion{suffix}"
    save(figure(), path)
    assert path.read_bytes().startswith(start)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(
        ConfigError, match=r"a\.gif: figures are written as \.png, \.pdf or \.svg, not '\.gif'"
    ):
        save(figure(), tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_equal_figures_are_equal_files(tmp_path, suffix):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    save(figure(), first)
    save(figure(), second)
    assert first.read_bytes() == second.read_bytes()


def test_a_data_address_holds_the_whole_picture():
    header, _, data = to_data_uri(figure()).partition(",")
    assert header == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode().rstrip().endswith("</svg>")
    header, _, data = to_data_uri(figure(), "png").partition(",")
    assert header == "data:image/png;base64"
    pixels = image.imread(io.BytesIO(base64.b64decode(data)), format="png")
    assert pixels[0, 0, 3] == 0  # transparent, so that the page's background shows


def test_settings_of_matplotlib_stay_as_they_were(tmp_path):
    before = dict(mpl.rcParams)
    save(figure(), tmp_path / "a.svg")
    to_data_uri(figure())
    assert dict(mpl.rcParams) == before


def test_pyplot_is_never_imported():
    code = (
        "import sys, sercli.figures.classification, sercli.figures.curves, sercli.figures.ranking;"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
