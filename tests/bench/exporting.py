"""What an export costs beside the plain way, in `make bench` or by `python -m tests.bench.exporting [MOST_CALLS]`.

The plain way holds every call in memory, some 10 KB each; beyond 100,000 calls it is left out.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.paths import REPOSITORY
from tests.bench import export_cases
from tests.bench.processes import run

SUBJECTS = REPOSITORY / "tests/bench/subjects"
OURS, PLAIN = SUBJECTS / "export_ours.py", SUBJECTS / "export_plain.py"
SIZES = (10_000, 100_000, 1_000_000)
MOST_PLAIN = 100_000
TIMES, FLAT = 3, 1.3
"""The budgets: rows a second against the plain way, and the memory of the largest export against the smallest."""


def tell(folder: Path, most: int = SIZES[-1]) -> None:
    """Measures and tells."""
    print(f"\n{'an export to CSV':<28}{'rows/s':>9}{'x':>7}{'MB':>7}   rows a second of CPU, memory at its most")
    peaks, ratios = [], []
    for calls in (size for size in SIZES if size <= most):
        with _stub(calls, folder) as endpoint:
            ours = run("export", str(OURS), str(calls), endpoint=endpoint)
            peaks.append(ours["peak"])
            plain = run("export", str(PLAIN), str(calls), endpoint=endpoint) if calls <= MOST_PLAIN else None
        ratio = ""
        if plain:
            ratios.append(ours["rows"] / plain["rows"])
            ratio = f"{ratios[-1]:.2f}"
        print(f"{f'{calls:,} calls':<28}{ours['rows']:>9,.0f}{ratio:>7}{ours['peak']:>7.0f}")
        if plain:
            print(f"{'  the plain way':<28}{plain['rows']:>9,.0f}{'1':>7}{plain['peak']:>7.0f}")
    _judge(f"{min(ratios):.2f} x the plain way's rows", min(ratios) >= TIMES, f"at least {TIMES}")
    grown = max(peaks) / peaks[0]
    _judge(f"{grown:.2f} x the memory of the smallest", grown <= FLAT, f"at most {FLAT}")


def _judge(measured: str, is_kept: bool, budget: str) -> None:
    print(f"  {'KEPT' if is_kept else 'MISSED'}: {measured}, the budget is {budget}")


@contextmanager
def _stub(calls: int, folder: Path) -> Iterator[str]:
    (folder / "item.json").write_bytes(export_cases.item(calls))
    (folder / "page.json").write_bytes(export_cases.page())
    command = [sys.executable, "-m", "tests.bench.export_stub", str(folder)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        tell(Path(name), *map(int, sys.argv[1:]))
