"""`python -m tests.benchmarks`: all of them, one after the other."""

from importlib import import_module
from pathlib import Path

for path in sorted(Path(__file__).parent.glob("*_speed.py")):
    print(f"── {path.stem.removesuffix('_speed')}")
    import_module(f"tests.benchmarks.{path.stem}").main()
