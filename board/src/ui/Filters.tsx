import type { Board } from "../schema";
import type { Change } from "../hash";
import type { Selection } from "../selection";
import { strengths, wholeOf } from "../selection";
import { Many } from "./Choice";

interface Props {
  board: Board;
  selected: Selection;
  change: (change: Change) => void;
}

export function Filters({ board, selected, change }: Props) {
  const seeds = [...new Set(board.runs.seed)].sort((a, b) => a - b).map(String);
  const chosenSeeds = selected.seeds ? new Set([...selected.seeds].map(String)) : null;
  const levels = strengths(board);
  const bases = [...new Set(board.bases)];
  const filtered = [selected.benchmarks, selected.bases, selected.whole, selected.strengths, selected.seeds].some((one) => one !== null);
  return (
    <details class="filters" open={filtered}>
      <summary>Filter benchmarks, models, methods, strengths and seeds{filtered ? " (filtered)" : ""}</summary>
      <div class="fields">
        <Many label="Benchmarks" options={board.benchmarks} chosen={selected.chosen} onChange={(b) => change({ b })} />
        {bases.length > 1 ? <Many label="Models" options={bases} chosen={selected.bases} onChange={(base) => change({ base })} /> : null}
        <Many label="Methods" options={[...new Set(board.methods.map(wholeOf))]} chosen={selected.whole} onChange={(m) => change({ m })} />
        {levels.length ? <Many label="Strengths" options={levels} chosen={selected.strengths} onChange={(st) => change({ st })} /> : null}
        <Many label="Seeds" options={seeds} chosen={chosenSeeds} onChange={(s) => change({ s })} />
      </div>
    </details>
  );
}
