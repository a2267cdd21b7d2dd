// Single questions and answers: the second object of the page, unpacked when a view asks for it.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Question, Sampled, Samples, Sheet } from "./schema";

let unpacking: Promise<Samples> | undefined;

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

async function unpack(id: string): Promise<Samples> {
  const packed = new Blob([bytesOf(document.getElementById(id)!.textContent!)]);
  const text = await new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).text();
  return JSON.parse(text) as Samples;
}

/** Null until they are there. */
export function useSamples(): Samples | null {
  const [found, set] = useState<Samples | null>(null);
  useEffect(() => {
    unpacking ??= unpack("samples");
    unpacking.then(set, (error: unknown) => {
      throw error;
    });
  }, []);
  return found;
}

/** Addresses of the pictures inside the page, made when one is first shown. */
export function usePictures(samples: Samples | null): (place: number) => string | null {
  const made = useMemo(() => new Map<number, string>(), [samples]);
  useEffect(() => () => made.forEach((address) => URL.revokeObjectURL(address)), [made]);
  return (place) => {
    const file = samples?.pictures[place];
    if (file === undefined) return null;
    const address = made.get(place) ?? URL.createObjectURL(new Blob([bytesOf(file)], { type: "image/webp" }));
    made.set(place, address);
    return address;
  };
}

export function modelsOf(sheet: Sheet, role: string): Sampled[] {
  return sheet.models.filter((one) => one.role === role);
}

/** What a model was made from: as its job says, else the original of the same seed, else the only one. */
export function originalOf(sheet: Sheet, model: Sampled): Sampled | undefined {
  if (sheet.models[model.original]) return sheet.models[model.original];
  const all = modelsOf(sheet, "original");
  return all.find((one) => one.seed === model.seed) ?? (all.length === 1 ? all[0] : undefined);
}

/** In words; a choice is answered by its letter. */
export function answered(sheet: Sheet, model: Sampled | undefined, at: number): string | null {
  const place = model?.answers[at] ?? -1;
  return place < 0 ? null : sheet.words[place]!;
}

export function goldOf(question: Question): string {
  const option = question.task === "classification" ? question.options[question.gold.charCodeAt(0) - 65] : undefined;
  return option ? `${question.gold}: ${option}` : question.gold;
}

/** The probes that brought a question back. */
export function recoveredBy(model: Sampled, at: number): string[] {
  return Object.entries(model.recovered).flatMap(([probe, places]) => (places.includes(at) ? [probe] : []));
}
