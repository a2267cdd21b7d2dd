// The answers of original, oracle and unlearned model side by side.
import { answered, goldOf, recoveredBy } from "../samples";
import type { Question, Sampled } from "../schema";
import { Asked } from "../ui/Asked";
import { One } from "../ui/Choice";
import type { Column } from "../ui/Table";
import { Table } from "../ui/Table";
import { percent, spoken } from "../words";
import type { Seen } from "./Model";

const SHOWN: Record<string, string> = {
  leaks: "leaks: still right",
  recovered: "recovered: wrong, and a probe brings it back",
  over: "forgotten beyond the oracle: wrong, and the oracle is right",
  all: "all questions",
};

interface Line {
  at: number;
  question: Question;
  probes: string[];
}

type Props = Seen & { original: Sampled | undefined; oracle: Sampled | undefined };

export function Answers({ sheet, model, original, oracle, pictures, params, change }: Props) {
  const show = Object.hasOwn(SHOWN, params.get("show") ?? "") ? params.get("show")! : "leaks";
  if (!model.right.length && !model.answers.length) return <h3>Answers: not known</h3>;
  const lines = sheet.questions.map((question, at): Line => ({ at, question, probes: recoveredBy(model, at) }));
  const kept = lines.filter(({ at, probes }) => {
    if (show === "leaks") return model.right[at] === 1;
    if (show === "recovered") return model.right[at] === 0 && probes.length > 0;
    return show === "all" || (model.right[at] === 0 && oracle?.right[at] === 1);
  });
  const judged = model.right.filter((one) => one >= 0).length;
  const right = model.right.filter((one) => one === 1).length;
  const back = backOf(model);
  const both = lines.filter(({ at }) => model.right[at] === 1 && oracle?.right[at] === 1).length;
  return (
    <>
      <h3>Answers on the forget set</h3>
      <p class="answer" role="status">
        {`${right} of ${judged} questions are still answered right${oracle?.right.length ? ` (${both} of them by the oracle too)` : ""}; `}
        {`probes bring back ${back} of the ${judged - right} others${oracle?.right.length ? ` (of the oracle's ${wrongOf(oracle)} they bring back ${backOf(oracle)})` : ""}.`}
      </p>
      <One label="Show" options={Object.keys(SHOWN)} value={show} onChange={(value) => change({ show: value === "leaks" ? null : value, rows: null })} name={(one) => SHOWN[one]!} />
      <Table
        caption={`${kept.length} of ${lines.length} questions (${percent(lines.length ? kept.length / lines.length : 0)})`}
        file="uqs-answers"
        columns={columns({ sheet, model, original, oracle, pictures })}
        rows={kept}
        sort={params.get("answers") ?? ""}
        onSort={(answers) => change({ answers })}
        most={params.get("rows") === "all" ? undefined : 25}
        onAll={() => change({ rows: "all" })}
      />
      <p class="note">
        A question that the oracle answers right too can be guessed, or was learnt from retain: it shows no leak. Probes ask in other
        ways what the model no longer answers (docs/metrics.md).
      </p>
    </>
  );
}

const wrongOf = (model: Sampled): number => model.right.filter((one) => one === 0).length;

function backOf(model: Sampled): number {
  const back = new Set(Object.values(model.recovered).flat());
  return [...back].filter((at) => model.right[at] === 0).length;
}

function columns({ sheet, model, original, oracle, pictures }: Pick<Props, "sheet" | "model" | "original" | "oracle" | "pictures">): Column<Line>[] {
  const said = (id: string, title: string, whose: Sampled | undefined): Column<Line> => ({
    id,
    title,
    words: true,
    value: ({ at }) => answered(sheet, whose, at),
    show: ({ at }) => {
      const [answer, right] = [answered(sheet, whose, at), whose?.right[at] ?? -1];
      if (answer === null && right < 0) return <span class="status">not known</span>;
      return <>{answer === null ? null : answer ? <bdi>{answer}</bdi> : <span class="status">nothing</span>}<small class={right === 1 ? "right" : ""}>{right === 1 ? "✓ right" : right === 0 ? "✗ wrong" : ""}</small></>;
    },
  });
  return [
    {
      id: "question",
      title: "question",
      words: true,
      value: ({ question }) => question.question || question.id,
      show: ({ question }) => <Asked question={question} picture={pictures(question.picture)} />,
    },
    { id: "gold", title: "right answer", words: true, value: ({ question }) => goldOf(question) || null, show: ({ question }) => (question.gold ? <bdi>{goldOf(question)}</bdi> : <span class="status">not known</span>) },
    said("original", "original", original),
    said("oracle", "oracle", oracle),
    said("model", "unlearned", model),
    { id: "probes", title: "brought back by", words: true, value: ({ probes }) => probes.join(", ") || null, show: ({ probes }) => (probes.length ? probes.map(spoken).join(", ") : <span class="status">{"–"}</span>) },
  ];
}
