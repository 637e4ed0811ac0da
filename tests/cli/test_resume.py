"""``sercli predict --out`` is killed in the middle and resumes, for each kind of part of a recording."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import tone
from untrained import ALL

from sercli.inference.journal import Journal

KILLED = """
import os, signal
from sercli import cli
from sercli.inference.journal import Journal

add = Journal.add

def die(self, number, lines):
    if len(self.done) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    add(self, number, lines)

Journal.add = die
cli.main()
"""

# Options, and other options that must not resume.
KINDS = {
    "vad": (["--vad"], ["--vad", "--vad-set", "pad_s=0"]),
    "vad-set": (["--vad", "--vad-set", "pad_s=0.3"], ["--vad", "--vad-set", "pad_s=0.2"]),
    "segments": (["--segments", "a.rttm"], ["--segments", "b.rttm"]),
    "folder": (["--segments", "kaldi"], ["--segments", "a.rttm"]),
    "timeline": (["--timeline", "--window-s", "2"], ["--timeline", "--window-s", "3"]),
    "parts": (["--table", "a.csv"], ["--table", "b.csv"]),
    "parts over time": (["--table", "a.csv", "--timeline"], ["--table", "a.csv"]),
    "speech of parts": (["--table", "a.csv", "--vad"], ["--table", "b.csv", "--vad"]),
}


@pytest.fixture
def folder(tmp_path, write_wav, monkeypatch):
    """Five recordings with two tones each; a model; tables of parts and lists of turns."""
    monkeypatch.chdir(tmp_path)
    ALL["mdcnn-half"]().save(tmp_path / "model")
    silence = np.zeros(16_000, np.float32)
    for i in range(5):
        sounds = [silence, tone(1.0, pitch=150 + 40 * i), silence, tone(0.7, pitch=300 + i), silence]
        write_wav(tmp_path / "calls" / f"{i}.wav", np.concatenate(sounds))
    for name, end in (("a", 3.9), ("b", 3.8)):
        rows = [f"calls/{i}.wav,{i / 10},{end}\n" for i in range(5)]
        Path(f"{name}.csv").write_text("file,start,end\n" + "".join(rows))
        line = "SPEAKER {} 1 {} {} <NA> <NA> {} <NA> <NA>\n"
        turns = [line.format(i, 1, 1, "anna") + line.format(i, 3, end - 3, "ben") for i in range(5)]
        Path(f"{name}.rttm").write_text("".join(turns))
    Path("kaldi").mkdir()
    Path("kaldi/wav.scp").write_text("".join(f"{i} calls/{i}.wav\n" for i in range(5)))
    Path("kaldi/segments").write_text("".join(f"{i}-1 {i} 1.0 1.9\n{i}-2 {i} 3.0 3.7\n" for i in range(5)))
    return tmp_path


@pytest.fixture
def two_cores():
    """Use as many threads for the rest of the recordings as for all, on any machine."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(usual)[:2])
    yield
    os.sched_setaffinity(0, usual)


# One kind is killed; the others are stopped in this process, which is quicker.
CASES = [*((kind, "stopped") for kind in KINDS), pytest.param("vad", "killed", marks=pytest.mark.slow)]


@pytest.fixture
def interrupt(request, command_line, monkeypatch):
    """Run a command, and stop it when two results are written."""
    add = Journal.add

    def stop(self, number, lines):
        if len(self.done) == 2:
            raise KeyboardInterrupt
        add(self, number, lines)

    def interrupt_(*command):
        if request.param == "killed":
            program = [sys.executable, "-c", KILLED, *command]
            assert subprocess.run(program, capture_output=True, check=False).returncode == -signal.SIGKILL
            return
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "add", stop)
            assert command_line(*command)[0] == 130

    return interrupt_


@pytest.mark.usefixtures("folder", "two_cores")
@pytest.mark.parametrize(("kind", "interrupt"), CASES, indirect=["interrupt"])
def test_a_resumed_command_writes_the_same_bytes(command_line, interrupt, kind):
    def command(options, out):
        files = [] if "--table" in options else ["calls"]
        # In larger batches, the other recordings of a batch change the last digits.
        return ("predict", "model", *files, *options, "--batch-size", "1", "--out", out)

    options, others = KINDS[kind]
    status, _, err = command_line(*command(options, "once.csv"))
    assert status == 0, err
    interrupt(*command(options, "out.csv"))
    kept = Path("out.csv.part").read_bytes()
    assert kept.count(b"\n") == 3
    status, _, err = command_line(*command(others, "out.csv"))
    assert (status, Path("out.csv.part").read_bytes()) == (1, kept)
    assert "out.csv.part: holds predictions of another model, of other options or of other" in err
    status, _, err = command_line(*command(options, "out.csv"))
    assert (status, Path("out.csv.part").exists()) == (0, False)
    assert "note: 2 of 5 files are done already" in err
    assert Path("out.csv").read_bytes() == Path("once.csv").read_bytes()
    assert Path("out.csv").read_bytes().count(b"\n") >= 6


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_names_the_file_that_was_asked_for(tmp_path):
    target = tmp_path / "a.csv"

    def fill():
        with Journal(target, [tmp_path / "a.wav"], []) as journal:
            journal._file.close()
            journal._file = open("/dev/full", "r+b")  # noqa: PTH123, SIM115
            journal.add(0, ["line"])

    with pytest.raises(OSError, match="No space left") as caught:
        fill()
    assert caught.value.filename == str(target)
    assert list(tmp_path.iterdir()) == []
