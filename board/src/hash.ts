// The address holds all state of a view: #/view?name=value&name=value
import { useEffect, useState } from "preact/hooks";

/** What an address without a hash shows. */
export const FIRST = "ranking";

export interface Place {
  /** Empty for the plain page and its sections. */
  view: string;
  params: URLSearchParams;
}

export function read(hash: string): Place {
  if (hash && !hash.startsWith("#/")) return { view: "", params: new URLSearchParams() };
  const [view = "", query = ""] = hash.slice(2).split("?", 2);
  return { view: view || FIRST, params: new URLSearchParams(query) };
}

export function write(view: string, params: URLSearchParams): string {
  const query = params.toString();
  return `#/${view}${query ? `?${query}` : ""}`;
}

export type Change = Record<string, string | string[] | null>;

/** Browsers refuse more than some hundred changes of the address in a few seconds; a slider makes more. */
const PAUSE = 150;

/** The place, and how to change its parameters; null takes one out. */
export function usePlace(): [Place, (change: Change) => void] {
  const [place, set] = useState(() => read(location.hash));
  const [later] = useState(() => new Later());
  useEffect(() => {
    const follow = (): void => {
      later.forget();
      set(read(location.hash));
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const change = (changes: Change): void => {
    const now = later.place ?? read(location.hash);
    const params = new URLSearchParams(now.params);
    for (const [name, value] of Object.entries(changes)) {
      params.delete(name);
      for (const one of value === null ? [] : [value].flat()) params.append(name, one);
    }
    const next = { view: now.view, params };
    later.write(next);
    set(next);
  };
  return [place, change];
}

/** The last place, written into the address once nothing has changed for a moment. */
class Later {
  place: Place | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  write(place: Place): void {
    this.place = place;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      history.replaceState(null, "", write(place.view, place.params));
      this.forget();
    }, PAUSE);
  }

  forget(): void {
    clearTimeout(this.timer);
    this.place = undefined;
  }
}
