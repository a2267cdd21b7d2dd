// A chart by Observable Plot, with its words for screen readers and as a file.
import * as Plot from "@observablehq/plot";
import { useEffect, useRef } from "preact/hooks";
import { png, save, svgText } from "./save";

interface Props {
  label: string;
  file?: string;
  /** What the picture says in words, for those who do not see it. */
  words: string;
  options: Plot.PlotOptions;
  /** It scrolls where the page is narrow; else it gets narrower with it. */
  wide?: boolean;
}

const NARROWEST = 300;

function draw(options: Plot.PlotOptions, said: string): Element {
  const drawn = Plot.plot(options);
  // the page's policy runs no style but its own, which has Plot's few rules
  for (const style of drawn.querySelectorAll("style")) style.remove();
  // one label for the whole picture: a screen reader is told of it as one
  for (const part of drawn.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", said);
  return drawn;
}

export function Chart({ label, file, words, options, wide }: Props) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const room = Math.max(NARROWEST, place.current!.clientWidth);
    const width = wide ? options.width : Math.min(options.width!, room);
    place.current!.replaceChildren(draw({ ...options, width }, words ? `${label}. ${words}` : label));
  }, [options, label, words, wide]);
  const picture = (): SVGSVGElement => place.current!.querySelector("svg")!;
  return (
    <figure class="chart">
      <figcaption>{label}</figcaption>
      <div class="wide" role="region" aria-label={`${label}, picture`} tabIndex={0} ref={place} />
      {file ? (
        <p class="files">
          Picture as{" "}
          <button type="button" onClick={() => save(`${file}.svg`, svgText(picture()), "image/svg+xml")}>SVG</button>{" "}
          <button type="button" onClick={async () => save(`${file}.png`, await png(picture()), "image/png")}>PNG</button>
        </p>
      ) : null}
    </figure>
  );
}

/** A small picture inside a table, whose numbers stand beside it. */
export function Spark({ options, label }: { options: Plot.PlotOptions; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.replaceChildren(draw(options, label));
  }, [options, label]);
  return <div class="spark" ref={place} />;
}

export const SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "wye", "cross", "hexagon"] as const;

/** Colour and symbol change together, so no one needs to tell the colours apart. */
export const colour = (at: number): string => `var(--m${at % 8})`;
export const symbol = (at: number): (typeof SYMBOLS)[number] => SYMBOLS[(at + Math.floor(at / 8)) % SYMBOLS.length]!;
