import { render } from "preact";
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { FIRST, usePlace, write } from "./hash";
import type { Board } from "./schema";
import { SCHEMA } from "./schema";
import type { ViewProps } from "./views/Ranking";
import { Model } from "./views/Model";
import { Pair } from "./views/Pair";
import { Published } from "./views/Published";
import { Ranking } from "./views/Ranking";
import { Stability } from "./views/Stability";
import { Trust } from "./views/Trust";

const VIEWS: Record<string, { title: string; view: FunctionComponent<ViewProps> }> = {
  ranking: { title: "Ranking", view: Ranking },
  trust: { title: "Which metric to trust", view: Trust },
  pair: { title: "Pick two", view: Pair },
  model: { title: "A model", view: Model },
  stability: { title: "Stability", view: Stability },
  published: { title: "Published", view: Published },
};
const PLAIN = "numbers";

function App({ board }: { board: Board }) {
  const [place, change] = usePlace();
  // a plain anchor is a section of the plain page
  const name = place.view || PLAIN;
  const chosen = VIEWS[name];
  useEffect(() => {
    document.documentElement.classList.toggle("plain", !chosen);
    document.documentElement.classList.toggle("first", name === FIRST);
    const section = place.view ? "" : location.hash.slice(1);
    if (!chosen && section) document.getElementById(section)?.scrollIntoView();
  }, [name]);
  const links = [...Object.entries(VIEWS).map(([key, { title }]) => [key, title] as const), [PLAIN, "All numbers"] as const];
  return (
    <>
      <nav aria-label="Views">
        {links.map(([key, title]) => (
          <a key={key} href={write(key, new URLSearchParams())} aria-current={key === name ? "page" : undefined}>{title}</a>
        ))}
      </nav>
      {chosen ? (
        <section class="view" aria-labelledby="view-title" id="view">
          <h2 id="view-title">{chosen.title}</h2>
          <chosen.view key={name} board={board} params={place.params} change={change} />
        </section>
      ) : null}
    </>
  );
}

const board = JSON.parse(document.getElementById("board")!.textContent!) as Board;
if (board.schema === SCHEMA) {
  document.documentElement.classList.add("live");
  render(<App board={board} />, document.getElementById("app")!);
}
