"""The models and the data against their peers, on the same data in the same run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from course import data as building
from crmlab import generate, realdata
from crmlab.clv import BetaGeoNBD, GammaGamma, ParetoNBD, summary_from_orders
from tests.bench.conftest import seconds

LINES, MILLION = (1_000_000, 20_000_000), 1_000_000
AS_OF = "2025-12-31"
# Each run in a process of its own, so that its memory is its own.
DUCKDB = "from crmlab import warehouse; table = warehouse.rfm_segments(path, as_of)"
PANDAS = """
import pandas as pd
from crmlab import rfm
lines = pd.read_parquet(path)
table = rfm.rfm(lines, as_of)
scores = rfm.score(table)
table = table.join(scores).assign(segment=rfm.segment(scores))
"""
MEASURED = """
import json, resource, sys, time
path, as_of = sys.argv[1:]
import crmlab.rfm, duckdb
start = time.perf_counter()
{work}
print(json.dumps({{"seconds": time.perf_counter() - start, "customers": len(table),
                   "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
                   "sum": float(table["monetary"].sum()), "segments": table["segment"].value_counts().to_dict()}}))
"""


@pytest.fixture(scope="module")
def cdnow() -> pd.DataFrame:
    return summary_from_orders(realdata.cdnow(), "1997-09-30")


@pytest.mark.parametrize(
    ("ours", "theirs", "bar"), [(BetaGeoNBD, "BetaGeoFitter", 2), (ParetoNBD, "ParetoNBDFitter", 5)]
)
def test_purchase_models_beat_lifetimes(ours: Any, theirs: str, bar: int, cdnow: pd.DataFrame, note: Any) -> None:
    import lifetimes

    columns = [cdnow[name] for name in ("x", "t_x", "T")]
    model, peer = ours(), getattr(lifetimes, theirs)()
    ours_s, theirs_s = seconds(lambda: model.fit(*columns), 7), seconds(lambda: peer.fit(*columns))
    at_peer = ours(dict(zip(ours.NAMES, peer.params_, strict=True))).log_likelihood(*columns)
    ratio = theirs_s / ours_s
    note(
        f"{ours.__name__} on CDNOW against lifetimes",
        f"{theirs_s * 1000:.0f} ms, {ours_s * 1000:.1f} ms; log-likelihood {at_peer:.3f}, {model.log_likelihood_:.3f}",
        f"{ratio:.1f}×",
        f"≥ {bar}×",
    )
    assert model.log_likelihood_ == pytest.approx(at_peer, abs=0.01)
    assert ratio >= bar


def test_gamma_gamma_beats_lifetimes(cdnow: pd.DataFrame, note: Any) -> None:
    import lifetimes

    repeat = cdnow[cdnow["x"] > 0]
    ours = seconds(lambda: GammaGamma().fit(repeat), 7)
    theirs = seconds(lambda: lifetimes.GammaGammaFitter().fit(repeat["x"], repeat["monetary"]))
    note(
        "GammaGamma on CDNOW against lifetimes",
        f"{theirs * 1000:.0f} ms, {ours * 1000:.1f} ms",
        f"{theirs / ours:.1f}×",
        "",
    )
    assert theirs > ours


def test_a_million_customers_cost_at_most_forty_panels(cdnow: pd.DataFrame, note: Any) -> None:
    panel = BetaGeoNBD().fit(cdnow)
    days = np.random.default_rng(1).integers(27 * 7, 39 * 7, MILLION)
    many = panel.simulate(days / 7, seed=1)
    many["t_x"] = np.where(many["x"] > 0, np.minimum(np.ceil(many["t_x"] * 7), days) / 7, 0.0)
    one, all_of_them = seconds(lambda: BetaGeoNBD().fit(cdnow), 7), seconds(lambda: BetaGeoNBD().fit(many))
    ratio = all_of_them / one
    note(
        "BG/NBD on 1,000,000 customers, in CDNOW fits",
        f"{one * 1000:.1f} ms, {all_of_them * 1000:.0f} ms",
        f"{ratio:.0f}",
        "≤ 40",
    )
    assert BetaGeoNBD().fit(many).params_["r"] == pytest.approx(panel.params_["r"], rel=0.02)
    assert ratio <= 40


def write_lines(path: Path, count: int) -> Path:
    """Order lines of two years; a few customers buy much more than the others."""
    duckdb.sql(
        f"""COPY (SELECT 'C' || lpad(CAST(CAST(floor(pow(hash(i) % 1000003 / 1000003.0, 2) * {count // 20}) AS BIGINT)
                         AS VARCHAR), 8, '0') AS customer_id,
                  DATE '2024-01-01' + CAST(i * 730 // {count} AS INTEGER) AS date,
                  round(hash(i * 7) % 100000 / 100.0 + 1, 2) AS amount
                  FROM range({count}) AS lines(i)) TO '{path}' (FORMAT parquet)"""
    )
    return path


def run(work: str, path: Path) -> dict[str, Any]:
    code = MEASURED.format(work=work)
    done = subprocess.run([sys.executable, "-c", code, str(path), AS_OF], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_segments_of_twenty_million_lines(tmp_path: Path, note: Any) -> None:
    paths = [write_lines(tmp_path / f"{count}.parquet", count) for count in LINES]
    small, large = (min((run(DUCKDB, path) for _ in range(3)), key=lambda found: found["seconds"]) for path in paths)
    frames = run(PANDAS, paths[-1])
    assert large["segments"] == frames["segments"]
    assert large["sum"] == pytest.approx(frames["sum"])
    ratio, growth = frames["seconds"] / large["seconds"], large["seconds"] / small["seconds"]
    note(
        "RFM + segments of 20 million lines, DuckDB against pandas",
        f"{frames['seconds']:.1f} s, {large['seconds']:.1f} s; {large['customers']:,} customers",
        f"{ratio:.1f}×",
        "≥ 3×",
    )
    note("… memory at the peak", f"pandas {frames['gib']:.1f} GiB", f"{large['gib']:.1f} GiB", "< 4 GiB")
    note("… 20 times the lines", f"{small['seconds']:.2f} s, {large['seconds']:.1f} s", f"{growth:.1f}×", "≤ 20×")
    assert large["gib"] < 4
    assert growth <= 20
    assert ratio >= 3


def test_import_is_light(note: Any) -> None:
    def imported(names: str) -> float:
        code = f"import time; s = time.perf_counter(); import {names}; print(time.perf_counter() - s)"
        return min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(3))

    light, heavy = imported("crmlab"), imported("pandas, matplotlib.pyplot, sklearn.cluster")
    note("import crmlab; the scientific stack", f"{light:.3f} s, {heavy:.2f} s", f"{heavy / light:.0f}×", "< 0.3 s")
    assert light < 0.3
    assert heavy / light > 3


def test_all_data_are_built_in_a_minute_and_a_half(tmp_path: Path, note: Any) -> None:
    took = {}
    for name in generate.NAMES:
        folder = tmp_path / name
        folder.mkdir()
        took[name] = seconds(lambda: building.build(name, folder), times=1)  # noqa: B023
    slowest = max(took, key=lambda name: took[name])
    total = sum(took.values())
    note("all data sets built", f"slowest {slowest} {took[slowest]:.1f} s", f"{total:.1f} s", "< 90 s")
    assert total < 90
