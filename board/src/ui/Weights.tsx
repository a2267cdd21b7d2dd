import type { Score } from "../schema";
import type { Change } from "../hash";
import type { Chosen } from "../weights";
import { OWN } from "../weights";
import { One } from "./Choice";

interface Props {
  score: Score;
  chosen: Chosen;
  form: Score["form"];
  change: (change: Change) => void;
}

const NAMES: Record<string, string> = {
  equal: "equal",
  published: "published (arXiv 2605.02206)",
  "held-out": "learned on the other benchmarks",
  references: "learned from references",
  [OWN]: "my own",
};

export function Weights({ score, chosen, form, change }: Props) {
  const usable = score.presets.filter((one) => !one.reason).map((one) => one.name);
  const options = chosen.name === OWN ? [...usable, OWN] : usable;
  const slide = (at: number, value: number): void => {
    const next = chosen.shown.map((one, k) => (k === at ? value : one));
    change({ w: next.map((one) => Number(one.toFixed(4))).join(",") });
  };
  return (
    <fieldset class="weights">
      <legend>Weights of UQS</legend>
      <One label="Preset" options={options} value={chosen.name} name={(one) => NAMES[one] ?? one} onChange={(w) => change({ w: w === "equal" ? null : w })} />
      <One
        label="Form"
        options={["calibrated", "published"]}
        value={form}
        onChange={(f) => change({ f: f === score.form ? null : f })}
      />
      <div class="sliders">
        {score.metrics.map((metric, at) => (
          <label key={metric}>
            <span>{metric}</span>
            <input
              type="range"
              min="0"
              max="1"
              step="0.01"
              value={chosen.shown[at]}
              aria-valuetext={`${(100 * chosen.shown[at]!).toFixed(0)} percent`}
              onInput={(event) => slide(at, Number(event.currentTarget.value))}
            />
            <span class="share" aria-hidden="true">{(100 * chosen.shown[at]!).toFixed(0)}%</span>
          </label>
        ))}
      </div>
      {form === "calibrated" && Object.keys(score.ladders).length ? (
        <p class="note">
          Where references calibrate the score, only FA and MIA are weighed: what is kept of RA, and the agreement with JS, multiply
          all of it, and AD does not count.
        </p>
      ) : null}
      {chosen.reason ? <p class="note">{chosen.reason}</p> : null}
    </fieldset>
  );
}
