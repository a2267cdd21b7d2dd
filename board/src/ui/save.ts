// Tables and pictures as files.
import { latexText } from "./latex";

export type Rows = (string | number | null)[][];

export function save(name: string, content: BlobPart, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** A cell that a spreadsheet would take for a formula begins with an apostrophe. */
export function csv(head: string[], rows: Rows): string {
  const cell = (value: string | number | null): string => {
    if (typeof value === "number") return `${value}`;
    const text = /^[=+\-@\t\r]/.test(value ?? "") ? `'${value}` : (value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${[head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

export function json(head: string[], rows: Rows): string {
  const named = rows.map((row) => Object.fromEntries(head.map((name, at) => [name, row[at] ?? null])));
  return `${JSON.stringify(named, null, 1)}\n`;
}

export function latex(head: string[], rows: Rows): string {
  const line = (row: (string | number | null)[]): string =>
    `${row.map((one) => latexText(typeof one === "number" ? Number(one.toPrecision(4)).toString() : (one ?? "--"))).join(" & ")} \\\\`;
  return [
    "% needs \\usepackage{booktabs}",
    `\\begin{tabular}{l${"r".repeat(head.length - 1)}}`,
    "\\toprule",
    line(head),
    "\\midrule",
    ...rows.map(line),
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}

/** The picture by itself: its colours are those of the page at this moment. */
export function svgText(svg: SVGElement): string {
  const copy = svg.cloneNode(true) as SVGElement;
  const page = getComputedStyle(document.documentElement);
  const resolved = (text: string): string => text.replace(/var\((--[\w-]+)\)/g, (_, name: string) => page.getPropertyValue(name).trim());
  for (const element of [copy, ...copy.querySelectorAll<SVGElement>("*")]) {
    for (const { name, value } of [...element.attributes]) if (value.includes("var(")) element.setAttribute(name, resolved(value));
  }
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("font-family", "system-ui, sans-serif");
  copy.setAttribute("font-size", "11");
  copy.setAttribute("color", page.getPropertyValue("--ink").trim());
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  paper.setAttribute("width", "100%");
  paper.setAttribute("height", "100%");
  paper.setAttribute("fill", page.getPropertyValue("--paper").trim());
  copy.prepend(paper);
  return new XMLSerializer().serializeToString(copy);
}

export async function png(svg: SVGSVGElement, scale = 2): Promise<Blob> {
  const image = new Image();
  const address = URL.createObjectURL(new Blob([svgText(svg)], { type: "image/svg+xml" }));
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = svg.width.baseVal.value * scale;
  canvas.height = svg.height.baseVal.value * scale;
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(address);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("no picture"))), "image/png"));
}
