export const DASH = "–";
export const MINUS = "−";

export function fixed(value: number, digits: number): string {
  return value.toFixed(digits).replace("-", MINUS);
}

export function signed(value: number, digits: number): string {
  return `${value < 0 ? "" : "+"}${fixed(value, digits)}`;
}

/** With three digits, fewer for large numbers; with its error, if it has one. */
export function withError(value: number, se: number | null): string {
  const digits = Math.abs(value) >= 10 ? 1 : 3;
  return se === null ? fixed(value, digits) : `${fixed(value, digits)} ± ${fixed(se, digits)}`;
}

export const percent = (share: number): string => `${(100 * share).toFixed(0)}%`;

export const range = (low: number, high: number): string => (low === high ? `${low}` : `${low} to ${high}`);

export const spoken = (name: string): string => name.replaceAll("_", " ");

export function listed(names: string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
