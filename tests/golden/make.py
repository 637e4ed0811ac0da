"""Make the golden files: run once by the first release, never again (see README.md).

OMP_NUM_THREADS=1 PYTHONPATH=.:tests python -m golden.make
"""

import hashlib
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from golden import cases

HERE = Path(__file__).parent


def machine():
    """Describe what decides whether numbers can be equal to the bit."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": cpu[1] if cpu else None,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "threads": 1,
    }


def write(name, value):
    """Write JSON."""
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def main():
    """Make all of them."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        workspace = out / "workspace"
        write("machine.json", machine())
        names = [cases.run_name(*case) for case in cases.RUN_NAMES]
        write("run_names.json", [[*case, name] for case, name in zip(cases.RUN_NAMES, names, strict=True)])
        write("fold_digests.json", cases.fold_digests())
        cases.prepare(workspace, out / "raw")
        for corpus in ("emodb", "recola", "other"):
            (HERE / "corpora").mkdir(exist_ok=True)
            shutil.copy(
                workspace / "corpora" / corpus / "manifest.jsonl", HERE / "corpora" / f"{corpus}.jsonl"
            )
            shutil.copy(workspace / "corpora" / corpus / "corpus.json", HERE / "corpora" / f"{corpus}.json")
        write("stores.json", cases.store_names(workspace))
        (HERE / "config").mkdir(exist_ok=True)
        for arch, corpus in cases.CONFIGS:
            words = ["--arch", arch, "--corpus", corpus, "--set", "training.precision=32-true"]
            text = run("config", "show", *words, "--workspace", workspace)
            (HERE / "config" / f"{arch}-{corpus}.yaml").write_text(text)
        write("synth.json", synth(out / "synth"))
        train(workspace)
        keep_outputs(workspace, out)


def run(*words, **options):
    """Run the command line."""
    status, out, err = cases.sercli(*words, **options)
    if status not in (0, 3, 4):
        sys.exit(f"{words}: {out}{err}")
    return out


def synth(workspace):
    """Prepare the synthetic corpora; give the digests of their manifests."""
    found = {}
    for corpus in ("synth", "synth-continuous"):
        run("prepare", corpus, "--workspace", workspace)
        content = (workspace / "corpora" / corpus / "manifest.jsonl").read_bytes()
        found[corpus] = hashlib.sha256(content).hexdigest()
    return found


def train(workspace):
    """Train everything, and keep the runs."""
    runs = {}
    for name, words in cases.TRAININGS.items():
        before = set((workspace / "runs").glob("*"))
        run(*words, "--workspace", workspace)
        (made,) = set((workspace / "runs").glob("*")) - before
        runs[name] = made.name
    for study in ("classes", "traces"):
        before = set((workspace / "runs").glob("*"))
        run("ablate", HERE / "study" / f"{study}.yaml", "--accelerator", "cpu", "--workspace", workspace)
        (made,) = set((workspace / "runs").glob("*")) - before
        runs[f"study-{study}"] = made.name
        (report,) = (workspace / "reports").glob(f"study-{study}-*")
        for suffix in ("csv", "md", "tex"):
            shutil.copy(report / f"table.{suffix}", HERE / "study" / f"{study}.{suffix}")
    write("runs.json", runs)
    for run_name in runs.values():
        ignored = shutil.ignore_patterns(".lock", "report", "checkpoints")
        shutil.copytree(workspace / "runs" / run_name, HERE / "runs" / run_name, ignore=ignored)


def keep_outputs(workspace, out):
    """Keep what is printed of the runs."""
    runs = json.loads((HERE / "runs.json").read_text())
    cases.build_speech(out / "speech")
    for name in ("classes", "traces"):
        bundle = out / "bundles" / name
        run("export", runs[name], bundle, "--fold", 1, "--workspace", workspace)
    for name, words in cases.outputs(runs, workspace, HERE, out).items():
        stdin = cases.samples_of(out / "speech" / "long.wav") if "--live" in words else b""
        text = run(*words, stdin=stdin)
        (HERE / "outputs").mkdir(exist_ok=True)
        (HERE / "outputs" / f"{name}.json").write_text(text.replace(str(out), "/tmp/golden"))


if __name__ == "__main__":
    main()
