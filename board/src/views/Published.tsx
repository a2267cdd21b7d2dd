// The published study: its figures computed again, the authors' later findings, and its runs beside those of this page.
import { useMemo } from "preact/hooks";
import type { Board, LaterFinding, Published as Study, PublishedFigure, PublishedRun } from "../schema";
import { strengthOf, strengths, wholeOf } from "../selection";
import { One } from "../ui/Choice";
import type { Column } from "../ui/Table";
import { Table } from "../ui/Table";
import { signed, spoken } from "../words";
import type { ViewProps } from "./Ranking";

const ALL = "all figures";

export function Published(props: ViewProps) {
  const { params, change } = props;
  const study = useMemo(() => JSON.parse(document.getElementById("published")!.textContent!) as Study, []);
  const groups = [ALL, ...new Set(study.figures.map((one) => one.group))];
  const group = groups.includes(params.get("group") ?? "") ? params.get("group")! : ALL;
  const agreeing = study.figures.filter((one) => one.agrees).length;
  return (
    <>
      <p class="note">
        Khan, Laga and Sohel (2026, arXiv 2605.02206) published 36 runs of LLaVA-1.5-7B. Their figures are computed again from these
        rows, by the study's own procedures and by correct ones. This view is the same on every board, except for its last table.
      </p>
      <p class="answer" role="status">{agreeing} of {study.figures.length} printed figures come out of the published rows.</p>
      <One label="Show" options={groups} value={group} onChange={(value) => change({ group: value === ALL ? null : value })} />
      <Table
        caption="Published figures, and what correct statistics say"
        file="uqs-published"
        columns={FIGURES}
        rows={study.figures.filter((one) => group === ALL || one.group === group)}
        sort={params.get("figures") ?? ""}
        onSort={(figures) => change({ figures })}
        most={params.get("rows") === "all" || group !== ALL ? undefined : 20}
        onAll={() => change({ rows: "all" })}
      />
      <h3>The authors' later findings</h3>
      <Table caption="Later findings, and what the published rows say of them" file="uqs-later" columns={LATER} rows={study.later} sort={params.get("later") ?? ""} onSort={(later) => change({ later })} />
      <Runs {...props} study={study} />
    </>
  );
}

const number = (value: number): string => (Math.abs(value) < 0.001 && value !== 0 ? value.toExponential(2) : value.toFixed(4)).replace("-", "−");

const FIGURES: Column<PublishedFigure>[] = [
  { id: "key", title: "figure", words: true, value: (one) => `${one.group}: ${one.key}`, show: (one) => <>{one.key}<small>{one.group}</small></> },
  { id: "printed", title: "published", value: (one) => Number(one.printed), show: (one) => one.printed.replace("-", "−") },
  { id: "reproduced", title: "computed again", value: (one) => one.reproduced, show: (one) => <>{number(one.reproduced)}{one.agrees ? null : <small>not as printed</small>}</> },
  { id: "corrected", title: "correct", value: (one) => one.corrected, show: (one) => (one.corrected === null ? <span class="status">none</span> : number(one.corrected)) },
  { id: "why", title: "why they differ", words: true, still: true, value: (one) => one.why, show: (one) => <div class="prose-cell">{one.why}</div> },
];

const LATER: Column<LaterFinding>[] = [
  { id: "what", title: "finding", words: true, value: (one) => one.what },
  { id: "printed", title: "published", value: (one) => Number(one.printed), show: (one) => one.printed },
  { id: "ours", title: "computed here", value: (one) => one.ours, show: (one) => (one.ours === null ? <span class="status">cannot be</span> : <>{number(one.ours)}<small>{one.agrees ? "as printed" : "not as printed"}</small></>) },
  { id: "why", title: "what can be said", words: true, still: true, value: (one) => one.why, show: (one) => <div class="prose-cell">{one.why}</div> },
];

interface Line {
  run: PublishedRun;
  published: number;
  here: number | null;
  why: string;
}

function Runs({ board, study, params, change }: ViewProps & { study: Study }) {
  const metrics = Object.keys(study.runs[0]!.values);
  const metric = metrics.includes(params.get("metric") ?? "") ? params.get("metric")! : metrics[0]!;
  const levels = strengths(board);
  const level = levels.includes(params.get("st") ?? "") ? params.get("st")! : (levels[0] ?? "");
  const lines = useMemo(() => study.runs.map((run): Line => ({ run, published: run.values[metric]!, ...here(board, run, metric, level) })), [board, study, metric, level]);
  const said = study.unlike.filter((one) => one.metric === metric);
  return (
    <>
      <h3>The 36 runs beside those of this page</h3>
      <One label="Metric" options={metrics} value={metric} onChange={(value) => change({ metric: value === metrics[0] ? null : value })} name={spoken} />
      {levels.length ? <One label="Strength here" options={levels} value={level} onChange={(st) => change({ st })} /> : null}
      <p class="note">{study.always}</p>
      <ul class="note">{said.map((one) => <li key={one.benchmark}>{one.benchmark}: {one.why}.</li>)}</ul>
      <Table caption={`${spoken(metric)} of the published runs, and of the runs of this page`} file="uqs-runs" columns={columns()} rows={lines} sort={params.get("runs") ?? ""} onSort={(runs) => change({ runs })} />
    </>
  );
}

/** The run of this page on a benchmark of that name, by that method and seed. */
function here(board: Board, run: PublishedRun, metric: string, level: string): { here: number | null; why: string } {
  const column = board.runs.metrics[metric];
  if (!column) return { here: null, why: "not measured here" };
  const row = board.runs.seed.findIndex((seed, at) => {
    const [benchmark, method] = [board.benchmarks[board.runs.benchmark[at]!]!, board.methods[board.runs.method[at]!]!];
    const same = benchmark.split(/[:/]/)[0] === run.benchmark && wholeOf(method) === run.method;
    return same && seed === run.seed && (!strengthOf(method) || strengthOf(method) === level);
  });
  if (row < 0) return { here: null, why: "no such run here" };
  return { here: column.values[row] ?? null, why: column.statuses[row] ?? "" };
}

function columns(): Column<Line>[] {
  return [
    { id: "run", title: "run", words: true, value: ({ run }) => `${run.benchmark}, ${run.method}, seed ${run.seed}` },
    { id: "published", title: "published", high: true, value: (one) => one.published, show: (one) => number(one.published) },
    { id: "here", title: "this page", high: true, value: (one) => one.here, show: (one) => (one.here === null ? <span class="status">{one.why}</span> : number(one.here)) },
    { id: "difference", title: "difference", high: true, value: (one) => (one.here === null ? null : one.here - one.published), show: (one) => (one.here === null ? <span class="status">{"–"}</span> : signed(one.here - one.published, 4)) },
  ];
}
