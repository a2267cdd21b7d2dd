// A model: its answers beside those of the original and of an oracle, an attack on it, and how it was made.
import { originalOf, modelsOf, usePictures, useSamples } from "../samples";
import type { Sampled, Samples, Sheet } from "../schema";
import { One } from "../ui/Choice";
import { Answers } from "./Answers";
import { Attack } from "./Attack";
import { Made } from "./Made";
import type { ViewProps } from "./Ranking";

export function Model(props: ViewProps) {
  const samples = useSamples();
  if (!samples) return <p role="status">Unpacking the questions.</p>;
  const sheets = samples.sheets.filter((one) => modelsOf(one, "unlearned").length);
  if (!sheets.length) return <p>This page holds nothing of single models: there are too many of them, or none was measured.</p>;
  return <Shown {...props} samples={samples} sheets={sheets} />;
}

export interface Seen extends ViewProps {
  sheet: Sheet;
  model: Sampled;
  pictures: (place: number) => string | null;
}

function Shown({ samples, sheets, ...props }: ViewProps & { samples: Samples; sheets: Sheet[] }) {
  const { params, change } = props;
  const pictures = usePictures(samples);
  const names = sheets.map((one) => one.benchmark);
  const on = names.includes(params.get("on") ?? "") ? params.get("on")! : names[0]!;
  const sheet = sheets[names.indexOf(on)]!;
  const unlearned = modelsOf(sheet, "unlearned");
  const methods = [...new Set(unlearned.map((one) => one.method))];
  const method = methods.includes(params.get("method") ?? "") ? params.get("method")! : methods[0]!;
  const own = unlearned.filter((one) => one.method === method);
  const model = own.find((one) => `${one.seed}` === params.get("seed")) ?? own[0]!;
  const oracles = modelsOf(sheet, "oracle");
  const oracle = oracles.find((one) => `${one.seed}` === params.get("oracle")) ?? oracles.find((one) => one.right.length) ?? oracles[0];
  const seen = { ...props, sheet, model, pictures };
  return (
    <>
      <One label="Benchmark" options={names} value={on} onChange={(value) => change({ on: value, t: null })} />
      <One label="Method" options={methods} value={method} onChange={(value) => change({ method: value, t: null })} />
      <One label="Seed" options={own.map((one) => `${one.seed}`)} value={`${model.seed}`} onChange={(seed) => change({ seed, t: null })} />
      {oracles.length ? <One label="Oracle" options={oracles.map((one) => `${one.seed}`)} value={`${oracle!.seed}`} onChange={(value) => change({ oracle: value })} name={(seed) => `seed ${seed}`} /> : null}
      {sheet.lacks.map((one) => <p key={one} class="note">{one}</p>)}
      <Answers {...seen} original={originalOf(sheet, model)} oracle={oracle} />
      <Attack key={`${on} ${method} ${model.seed}`} {...seen} />
      <Made {...seen} />
    </>
  );
}
