// The address holds all state of a view: #/view?name=value&name=value
import { useEffect, useState } from "preact/hooks";

export interface Place {
  /** Empty for the plain page and its sections. */
  view: string;
  params: URLSearchParams;
}

export function read(hash: string): Place {
  if (!hash.startsWith("#/")) return { view: "", params: new URLSearchParams() };
  const [view = "", query = ""] = hash.slice(2).split("?", 2);
  return { view, params: new URLSearchParams(query) };
}

export function write(view: string, params: URLSearchParams): string {
  const query = params.toString();
  return `#/${view}${query ? `?${query}` : ""}`;
}

export type Change = Record<string, string | string[] | null>;

/** The place, and how to change its parameters; null takes one out. */
export function usePlace(): [Place, (change: Change) => void] {
  const [place, set] = useState(() => read(location.hash));
  useEffect(() => {
    const follow = (): void => set(read(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const change = (changes: Change): void => {
    const now = read(location.hash);
    for (const [name, value] of Object.entries(changes)) {
      now.params.delete(name);
      for (const one of value === null ? [] : [value].flat()) now.params.append(name, one);
    }
    history.replaceState(null, "", write(now.view, now.params));
    set(now);
  };
  return [place, change];
}
