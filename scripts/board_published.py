"""Write the published study as the board shows it: `python scripts/board_published.py`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from uqs.report.board.published import FILE, computed
from uqs.reproduction.reproduce import reproduce

TARGET = Path(__file__).parents[1] / "src" / "uqs" / "report" / "board" / "live" / FILE

if __name__ == "__main__":
    made = computed(reproduce(np.random.default_rng(0)))
    TARGET.write_text(json.dumps(made, indent=1, allow_nan=False) + "\n", encoding="utf-8")
