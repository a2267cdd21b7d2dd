// The questions that one of two methods answers right and the other wrong, by models of the same seed.
import { answered, goldOf, modelsOf, usePictures, useSamples } from "../samples";
import type { Question, Sampled, Sheet } from "../schema";
import { Asked } from "../ui/Asked";
import { One } from "../ui/Choice";
import type { Column } from "../ui/Table";
import { Table } from "../ui/Table";
import { listed } from "../words";
import type { ViewProps } from "./Ranking";

interface Props extends Omit<ViewProps, "board"> {
  on: string;
  first: string;
  second: string;
}

interface Line {
  at: number;
  question: Question;
}

export function Changed({ on, first, second, params, change }: Props) {
  const samples = useSamples();
  const pictures = usePictures(samples);
  const sheet = samples?.sheets.find((one) => one.benchmark === on);
  const pairs = sheet ? pairsOf(sheet, first, second) : [];
  const pair = pairs.find(([one]) => `${one.seed}` === params.get("seed")) ?? pairs[0];
  if (!samples) return null;
  return (
    <>
      <h3>Questions that changed</h3>
      {sheet && pair ? (
        <Lines {...{ sheet, pairs, pair, first, second, params, change, pictures }} />
      ) : (
        <p class="note">Of no seed is it known which questions both answer right{sheet?.lacks.length ? `. ${listed(sheet.lacks)}` : "."}</p>
      )}
    </>
  );
}

type Pair = [Sampled, Sampled];

function pairsOf(sheet: Sheet, first: string, second: string): Pair[] {
  const judged = modelsOf(sheet, "unlearned").filter((one) => one.right.length);
  return judged.filter((one) => one.method === first).flatMap((one): Pair[] => {
    const other = judged.find((two) => two.method === second && two.seed === one.seed);
    return other ? [[one, other]] : [];
  });
}

/** The places of what the one answers right and the other wrong. */
const gained = (one: Sampled, other: Sampled): number[] => one.right.flatMap((right, at) => (right === 1 && other.right[at] === 0 ? [at] : []));

interface LinesProps extends Props {
  sheet: Sheet;
  pairs: Pair[];
  pair: Pair;
  pictures: (place: number) => string | null;
}

function Lines({ sheet, pairs, pair: [one, other], first, second, params, change, pictures }: Omit<LinesProps, "on">) {
  const [only, alone] = [gained(one, other), gained(other, one)];
  const lines = [...only, ...alone].sort((a, b) => a - b).map((at): Line => ({ at, question: sheet.questions[at]! }));
  const said = (id: string, title: string, whose: Sampled): Column<Line> => ({
    id,
    title,
    words: true,
    value: ({ at }) => answered(sheet, whose, at) ?? (whose.right[at] === 1 ? "right" : "wrong"),
    show: ({ at }) => {
      const answer = answered(sheet, whose, at);
      return <>{answer === null ? null : <bdi>{answer}</bdi>}<small class={whose.right[at] === 1 ? "right" : ""}>{whose.right[at] === 1 ? "✓ right" : "✗ wrong"}</small></>;
    },
  });
  return (
    <>
      <One label="Models of seed" options={pairs.map(([model]) => `${model.seed}`)} value={`${one.seed}`} onChange={(seed) => change({ seed })} />
      <p class="answer" role="status">
        {`Of ${sheet.questions.length} forget questions ${only.length} are still right in ${first} alone, and ${alone.length} in ${second} alone.`}
      </p>
      {pairs.length > 1 ? <p class="note">{`On every seed: ${pairs.map(([a, b]) => `seed ${a.seed}: ${gained(a, b).length} and ${gained(b, a).length}`).join("; ")}.`}</p> : null}
      <Table
        caption={`${lines.length} questions that one of the two answers right`}
        file="uqs-changed"
        columns={[
          { id: "question", title: "question", words: true, value: ({ question }) => question.question || question.id, show: ({ question }) => <Asked question={question} picture={pictures(question.picture)} /> },
          { id: "gold", title: "right answer", words: true, value: ({ question }) => goldOf(question) || null, show: ({ question }) => (question.gold ? <bdi>{goldOf(question)}</bdi> : <span class="status">not known</span>) },
          said("one", first, one),
          said("two", second, other),
        ]}
        rows={lines}
        sort={params.get("changed") ?? ""}
        onSort={(changed) => change({ changed })}
        most={params.get("rows") === "all" ? undefined : 20}
        onAll={() => change({ rows: "all" })}
      />
    </>
  );
}
