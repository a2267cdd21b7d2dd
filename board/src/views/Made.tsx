// How a model was made: hyperparameters, hashes, versions; and all metrics of it.
import type { Column } from "../ui/Table";
import { Table } from "../ui/Table";
import { spoken, withError } from "../words";
import type { Seen } from "./Model";

interface Fact {
  name: string;
  value: string;
}

interface Measured {
  metric: string;
  words: string;
  value: number | null;
  se: number | null;
  status: string;
}

export function Made({ board, sheet, model, params, change }: Seen) {
  const { runs } = board;
  const row = runs.seed.findIndex(
    (seed, at) => seed === model.seed && board.methods[runs.method[at]!] === model.method && board.benchmarks[runs.benchmark[at]!] === sheet.benchmark,
  );
  const measured = board.metrics.map(({ name, words }): Measured => {
    const column = runs.metrics[name]!;
    return { metric: name, words, value: column.values[row] ?? null, se: column.errors[row] ?? null, status: column.statuses[row] ?? "not measured" };
  });
  return (
    <>
      <h3>How it was made</h3>
      <Table caption="Hyperparameters and provenance" file="uqs-model" columns={FACTS} rows={facts(sheet, model)} sort="" onSort={() => undefined} />
      <Table caption="Its metrics" file="uqs-model-metrics" columns={METRICS} rows={measured} sort={params.get("sort") ?? ""} onSort={(sort) => change({ sort })} />
    </>
  );
}

const FACTS: Column<Fact>[] = [
  { id: "name", title: "what", words: true, still: true, value: (one) => one.name },
  { id: "value", title: "value", words: true, still: true, value: (one) => one.value },
];

const METRICS: Column<Measured>[] = [
  { id: "metric", title: "metric", words: true, value: (one) => spoken(one.metric), show: (one) => <>{spoken(one.metric)}<small>{one.words}</small></> },
  { id: "value", title: "value", high: true, value: (one) => one.value, show: (one) => (one.value === null ? <span class="status">{one.status}</span> : withError(one.value, one.se)) },
];

function facts(sheet: Seen["sheet"], model: Seen["model"]): Fact[] {
  const settings = JSON.parse(model.hyperparameters) as Record<string, unknown>;
  const made: [string, string][] = [
    ["method", model.method],
    ["seed", `${model.seed}`],
    ...Object.entries(settings).map(([name, value]): [string, string] => [name, typeof value === "string" ? value : JSON.stringify(value)]),
    ["base model", sheet.base],
    ["benchmark", `${sheet.benchmark}, edition ${sheet.edition}`],
    ["hash of the data", sheet.data],
    ["hash of the model's job", model.config],
    ["UQS", model.version],
    ["device", model.device],
  ];
  return made.map(([name, value]) => ({ name, value }));
}
