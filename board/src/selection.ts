// The filters of the ranking and of the stability view, from the address.
import type { Board } from "./schema";
import type { Filter } from "./engine/cube";

export const strengthOf = (method: string): string => (method.includes("@") ? method.slice(method.lastIndexOf("@") + 1) : "");
export const wholeOf = (method: string): string => (method.includes("@") ? method.slice(0, method.lastIndexOf("@")) : method);

const USUAL = ["weak", "medium", "strong"];

export function strengths(board: Board): string[] {
  const place = (name: string): number => (USUAL.includes(name) ? USUAL.indexOf(name) : USUAL.length);
  const named = new Set(board.methods.map(strengthOf).filter(Boolean));
  return [...named].sort((a, b) => place(a) - place(b) || a.localeCompare(b, "en"));
}

export interface Selection extends Filter {
  /** Of the benchmarks, whatever their base model. */
  chosen: ReadonlySet<string> | null;
  bases: ReadonlySet<string> | null;
  strengths: ReadonlySet<string> | null;
  whole: ReadonlySet<string> | null;
}

const named = (params: URLSearchParams, name: string): ReadonlySet<string> | null =>
  params.has(name) ? new Set(params.getAll(name)) : null;

/** A method without strengths is at every strength. */
export function selection(board: Board, params: URLSearchParams): Selection {
  const bases = named(params, "base");
  const here = named(params, "b");
  const whole = named(params, "m");
  const kept = named(params, "st");
  const seeds = named(params, "s");
  const keeps = (method: string): boolean =>
    whole?.has(wholeOf(method)) !== false && (!strengthOf(method) || kept?.has(strengthOf(method)) !== false);
  return {
    benchmarks: bases ? new Set(board.benchmarks.filter((name, at) => bases.has(board.bases[at]!) && here?.has(name) !== false)) : here,
    methods: whole || kept ? new Set(board.methods.filter(keeps)) : null,
    seeds: seeds ? new Set([...seeds].map(Number)) : null,
    chosen: here,
    bases,
    strengths: kept,
    whole,
  };
}
