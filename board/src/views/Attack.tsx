// A loss attack on a model: its losses on forget and on holdout, and a threshold between them.
import * as Plot from "@observablehq/plot";
import { useMemo, useState } from "preact/hooks";
import { auc, bestThreshold, rates } from "../engine/attack";
import { goldOf } from "../samples";
import type { Question } from "../schema";
import { Asked } from "../ui/Asked";
import { One } from "../ui/Choice";
import type { Column } from "../ui/Table";
import { Table } from "../ui/Table";
import { Threshold } from "../ui/Threshold";
import { percent } from "../words";
import type { Seen } from "./Model";

interface Scored {
  question: Question;
  member: boolean;
  loss: number;
}

const BEHIND: Record<string, string> = {
  false: "holdout questions that it takes for training data",
  true: "forget questions that it takes for training data",
  missed: "forget questions that it misses",
};
const STEPS = 400;

export function Attack({ sheet, model, pictures, params, change }: Seen) {
  const scored = useMemo(() => scoresOf(sheet.questions, model.forget, true).concat(scoresOf(sheet.holdout, model.holdout, false)), [sheet, model]);
  const members = useMemo(() => scored.filter((one) => one.member).map((one) => one.loss), [scored]);
  const others = useMemo(() => scored.filter((one) => !one.member).map((one) => one.loss), [scored]);
  const options = useMemo(() => picture(scored), [scored]);
  const given = Number(params.get("t") ?? Number.NaN);
  const [moving, move] = useState<number | null>(null);
  if (!members.length || !others.length) {
    return (
      <>
        <h3>Membership attack</h3>
        <p class="note">No membership scores are known of this model{model.forget.length ? ": it gives right answers no probability" : ""}.</p>
      </>
    );
  }
  const most = Math.max(...members, ...others);
  const threshold = moving ?? (given >= 0 && Number.isFinite(given) ? Math.min(given, most) : bestThreshold(members, others));
  const found = rates(members, others, threshold);
  const behind = Object.hasOwn(BEHIND, params.get("behind") ?? "") ? params.get("behind")! : "true";
  const kept = scored.filter((one) => (behind === "false" ? !one.member && one.loss <= threshold : one.member && one.loss <= threshold === (behind === "true")));
  return (
    <>
      <h3>Membership attack</h3>
      <p class="answer" role="status">
        {`At a loss of ${threshold.toFixed(2)} nats or less the attack takes ${percent(found.truePositive)} of forget (true positives) and ${percent(found.falsePositive)} of holdout (false positives) for training data.`}
      </p>
      <Threshold
        label="Losses of the right answers on forget and on holdout, with the threshold"
        file="uqs-attack"
        words={`AUC ${auc(members, others).toFixed(3)}, where 0.5 tells nothing apart`}
        options={options}
        value={threshold}
        most={most}
        step={most / STEPS}
        said={`${threshold.toFixed(2)} nats: ${percent(found.truePositive)} of forget, ${percent(found.falsePositive)} of holdout`}
        onMove={move}
        onEnd={(t) => {
          move(null);
          change({ t: t.toFixed(4) });
        }}
      />
      <p class="note">
        Drag the line, or move the slider with the arrow keys. Its first place is where true less false positives is largest on these very
        questions, which flatters the attack; MIA of the table fits the threshold on other questions. AUC: {auc(members, others).toFixed(3)} (0.5
        tells nothing apart). An oracle knows neither set, so its rates are alike.
      </p>
      <One label="Show" options={Object.keys(BEHIND)} value={behind} onChange={(value) => change({ behind: value === "true" ? null : value, behinds: null })} name={(one) => BEHIND[one]!} />
      <Table
        caption={`${kept.length} ${BEHIND[behind]!}`}
        file="uqs-attack"
        columns={columns(pictures)}
        rows={[...kept].sort((a, b) => a.loss - b.loss)}
        sort={params.get("losses") ?? ""}
        onSort={(losses) => change({ losses })}
        most={params.get("behinds") === "all" ? undefined : 10}
        onAll={() => change({ behinds: "all" })}
      />
    </>
  );
}

function scoresOf(questions: Question[], losses: (number | null)[], member: boolean): Scored[] {
  return questions.flatMap((question, at) => {
    const loss = losses[at];
    return loss === null || loss === undefined ? [] : [{ question, member, loss }];
  });
}

function columns(pictures: Seen["pictures"]): Column<Scored>[] {
  return [
    { id: "question", title: "question", words: true, value: ({ question }) => question.question || question.id, show: ({ question }) => <Asked question={question} picture={pictures(question.picture)} /> },
    { id: "gold", title: "right answer", words: true, value: ({ question }) => goldOf(question), show: ({ question }) => <bdi>{goldOf(question)}</bdi> },
    { id: "loss", title: "loss", hint: "nats", value: (one) => one.loss, show: (one) => one.loss.toFixed(3) },
  ];
}

const BINS = 40;

function picture(scored: Scored[]): Plot.PlotOptions {
  const most = Math.max(...scored.map((one) => one.loss), Number.MIN_VALUE);
  const thresholds = Array.from({ length: BINS + 1 }, (_, at) => (most * at) / BINS);
  const bars = (set: string, member: boolean, fill: string): Plot.Markish =>
    Plot.rectY(scored.filter((one) => one.member === member), { ...Plot.binX({ y: "count" }, { x: "loss", thresholds }), fy: () => set, fill });
  return {
    width: 640,
    height: 260,
    marginLeft: 48,
    marginRight: 60,
    x: { label: "loss of the right answer (nats)", domain: [0, most] },
    y: { label: "questions", grid: true },
    fy: { domain: ["forget", "holdout"], label: null },
    color: { type: "identity" },
    marks: [bars("forget", true, "var(--m0)"), bars("holdout", false, "var(--m1)"), Plot.ruleY([0], { stroke: "var(--muted)" })],
  };
}
