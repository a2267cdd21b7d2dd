"""Write the schema of the board's data as TypeScript: `python scripts/board_schema.py`."""

from __future__ import annotations

from pathlib import Path

from uqs.report.board.live.typescript import source

TARGET = Path(__file__).parents[1] / "board" / "src" / "schema.ts"

if __name__ == "__main__":
    TARGET.write_text(source(), encoding="utf-8")
