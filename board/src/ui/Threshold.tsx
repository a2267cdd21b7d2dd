// A chart with a line that can be dragged, or moved by the slider below it.
import type * as Plot from "@observablehq/plot";
import { useEffect, useRef } from "preact/hooks";
import { Chart } from "./Chart";

interface Props {
  label: string;
  file: string;
  words: string;
  options: Plot.PlotOptions;
  value: number;
  most: number;
  step: number;
  /** The value in words, for screen readers. */
  said: string;
  onMove: (value: number) => void;
  onEnd: (value: number) => void;
}

const SVG = "http://www.w3.org/2000/svg";

export function Threshold({ label, file, words, options, value, most, step, said, onMove, onEnd }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const dragged = useRef<number | null>(null);
  const scale = (): Plot.Scale | undefined => (place.current?.querySelector("svg[role=img]") as (SVGSVGElement & Plot.Plot) | null)?.scale("x");
  useEffect(() => {
    const svg = place.current!.querySelector<SVGSVGElement>("svg[role=img]");
    const x = scale();
    if (!svg || !x) return;
    let line = svg.querySelector<SVGLineElement>(".threshold");
    if (!line) {
      line = document.createElementNS(SVG, "line");
      line.setAttribute("class", "threshold");
      line.setAttribute("stroke", "var(--ink)");
      line.setAttribute("stroke-width", "3");
      line.setAttribute("y1", "10");
      line.setAttribute("y2", `${svg.height.baseVal.value - 26}`);
      svg.append(line);
    }
    for (const name of ["x1", "x2"]) line.setAttribute(name, `${x.apply(value)}`);
  });
  const at = (event: PointerEvent): number => {
    const left = place.current!.querySelector("svg[role=img]")!.getBoundingClientRect().left;
    return Math.min(Math.max(Number(scale()!.invert!(event.clientX - left)), 0), most);
  };
  const follow = (event: PointerEvent): void => {
    dragged.current = at(event);
    onMove(dragged.current);
  };
  return (
    <div
      class="threshold-chart"
      ref={place}
      onPointerDown={(event) => {
        if (!(event.target as Element).closest("svg[role=img]")) return;
        event.preventDefault();
        place.current!.setPointerCapture(event.pointerId);
        follow(event);
      }}
      onPointerMove={(event) => {
        if (dragged.current !== null) follow(event);
      }}
      onPointerUp={() => {
        if (dragged.current !== null) onEnd(dragged.current);
        dragged.current = null;
      }}
      onPointerCancel={() => {
        dragged.current = null;
      }}
    >
      <Chart label={label} file={file} words={words} options={options} />
      <label class="choice">
        Threshold{" "}
        <input
          type="range"
          min="0"
          max={most}
          step={step}
          value={value}
          aria-valuetext={said}
          onInput={(event) => onMove(Number(event.currentTarget.value))}
          onChange={(event) => onEnd(Number(event.currentTarget.value))}
        />
      </label>
    </div>
  );
}
