"""The metrics of a run on disk: CSV files, every row flushed, from which everything can be counted again."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from farl.files import write_atomic
from farl_ros.run_records import EpisodeRecord, LatencyHistogram, summarise

EPISODES, LATENCIES, UPDATES = "episodes.csv", "latencies.csv", "updates.csv"
_READ: Mapping[str, Callable[[str], Any]] = {"int": int, "float": float, "bool": lambda text: bool(int(text))}


class RunMetrics:
    """The folder ``metrics/`` of a run.

    Attributes:
        records: Finished episodes, in the order in which they were added.
        latencies: Of every check of the shield.
        updates: Number of updates.
        failures: Number of episodes with a failure.
        saves: Number of episodes with interventions and without a failure.
    """

    def __init__(self, folder: Path) -> None:
        """Read what is there.

        Raises:
            ValueError: A file has other columns.
        """
        self._folder = folder
        self.records: list[EpisodeRecord] = []
        self.latencies = LatencyHistogram()
        self.failures = self.saves = 0
        rows = zip(read_rows(folder / EPISODES), read_rows(folder / LATENCIES), strict=False)
        for row, latency in rows:
            self._count(parse_record(row), LatencyHistogram.from_text(latency["shield_ms"]))
        self.updates = len(read_rows(folder / UPDATES))

    def add_episode(self, record: EpisodeRecord, latencies: LatencyHistogram) -> None:
        """Add an episode and the latencies of its checks."""
        # The latencies come first: an episode counts once its own row is there.
        self._append(LATENCIES, {"episode": str(record.episode), "shield_ms": latencies.text()})
        self._append(EPISODES, record_row(record))
        self._count(record, latencies)

    def add_update(self, at_steps: int, figures: Mapping[str, float]) -> None:
        """Add an update made after ``at_steps`` agent steps of the run."""
        self._append(UPDATES, {"at_steps": str(at_steps), **{name: str(v) for name, v in figures.items()}})
        self.updates += 1

    def truncate(self, episodes: int, updates: int) -> None:
        """Keep only the first rows on disk; read them again to go on."""
        for name, kept in ((EPISODES, episodes), (LATENCIES, episodes), (UPDATES, updates)):
            path = self._folder / name
            rows = read_rows(path)[:kept]
            if rows:
                write_atomic(path, _csv_bytes([tuple(rows[0]), *(row.values() for row in rows)]))
            else:
                path.unlink(missing_ok=True)

    def summary(self) -> dict[str, Any]:
        """The figures of the run so far."""
        return summarise(self.records, self.latencies)

    def _count(self, record: EpisodeRecord, latencies: LatencyHistogram) -> None:
        self.records.append(record)
        self.latencies.counts.update(latencies.counts)
        self.failures += record.failed
        self.saves += record.saved

    def _append(self, name: str, row: Mapping[str, str]) -> None:
        path = self._folder / name
        header = [] if path.exists() else [tuple(row)]
        with path.open("ab") as file:
            file.write(_csv_bytes([*header, row.values()]))


def record_row(record: EpisodeRecord) -> dict[str, str]:
    """An episode as a row of text; booleans are 0 and 1."""
    return {name: str(int(v)) if isinstance(v, bool) else str(v) for name, v in asdict(record).items()}


def parse_record(row: Mapping[str, str]) -> EpisodeRecord:
    """Read what ``record_row`` wrote.

    Raises:
        ValueError: A column is missing, or holds something else than a number.
    """
    try:
        return EpisodeRecord(**{f.name: _READ[str(f.type)](row[f.name]) for f in fields(EpisodeRecord)})
    except KeyError as error:
        raise ValueError(f"{EPISODES}: column {error} is missing; another version wrote it") from error


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file with a header; none without a file, and without a last row that was cut off."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return list(csv.DictReader(text[: text.rfind("\n") + 1].splitlines()))


def _csv_bytes(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
