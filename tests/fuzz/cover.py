"""Fuzz one target guided by coverage, with atheris: `python tests/fuzz/cover.py quote
-max_total_time=60`.

The corpus is made by the simulator, in `.fuzz/corpus/TARGET` unless a folder is named; what
libFuzzer finds new is added there. The mutations are those of the property suite, in turn with
libFuzzer's own. Options after the target are libFuzzer's. Needs the extra `fuzz`, and a Python
that atheris is built for; `make fuzz` mutates without it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return
    try:
        import atheris
    except ImportError:
        raise SystemExit(
            "atheris is not installed: pip install -e '.[fuzz]'. `make fuzz` needs nothing."
        ) from None
    with atheris.instrument_imports(include=["casnb"]):
        from fuzz.mutators import Sample
        from fuzz.targets import TARGETS
    if sys.argv[1] not in TARGETS:
        raise SystemExit(f"no such target: {sys.argv[1]}. There are {', '.join(TARGETS)}.")
    target = TARGETS[sys.argv[1]]
    options = [a for a in sys.argv[2:] if a.startswith("-")]
    folders = [a for a in sys.argv[2:] if not a.startswith("-")] or [
        str(ROOT / ".fuzz" / "corpus" / target.name)
    ]
    corpus = Path(folders[0])
    corpus.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(target.samples()):
        (corpus / f"sample-{number:02}").write_bytes(sample.data)

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.3:
            return atheris.Mutate(data, size)
        if random.random() < 0.3:
            return target.mutator.mutant(random)[:size]
        known = next((s for s in target.mutator.samples if s.data == data), None) or Sample.text(
            "found", data
        )
        return target.mutator.change(random, known)[:size]

    def judge(data: bytes) -> None:
        target.outcome(data)

    atheris.Setup(
        [sys.argv[0], "-max_len=65536", f"-artifact_prefix={corpus.parent}/", *options, *folders],
        judge,
        custom_mutator=mutate,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
