// One script that the Python package carries and writes into the page.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { defineConfig } from "vite";

const HERE = import.meta.dirname;

/** The hash of all that the script is made from; `tests/report/board/test_bundle.py` computes it again. */
function sources(): string {
  const files = readdirSync(join(HERE, "src"), { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => relative(HERE, join(one.parentPath, one.name)).replaceAll("\\", "/"));
  const all = [...files, "package-lock.json", "vite.config.ts", "tsconfig.json"].sort();
  const hash = createHash("sha256");
  for (const file of all) hash.update(`${file}\n`).update(readFileSync(join(HERE, file))).update("\n");
  return hash.digest("hex");
}

/** Of all libraries in the script; those with the same text stand together. */
function licences(): string {
  const lock = JSON.parse(readFileSync(join(HERE, "package-lock.json"), "utf8")) as { packages: Record<string, { dev?: boolean }> };
  const named = new Map<string, string[]>();
  for (const [path, { dev }] of Object.entries(lock.packages)) {
    if (!path || dev) continue;
    const folder = join(HERE, path);
    const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name: string; version: string };
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    if (!file) throw new Error(`${name} comes without its licence`);
    const text = readFileSync(join(folder, file), "utf8").trim().replaceAll("*/", "* /");
    named.set(text, [...(named.get(text) ?? []), `${name} ${version}`]);
  }
  return [...named].map(([text, names]) => `${names.join(", ")}\n\n${text}`).join("\n\n----\n\n");
}

export default defineConfig({
  build: {
    outDir: "../src/uqs/report/board/live",
    emptyOutDir: false,
    target: "es2022",
    modulePreload: false,
    rolldownOptions: {
      input: join(HERE, "src/main.tsx"),
      output: { format: "iife", entryFileNames: "app.js" },
    },
  },
  plugins: [
    {
      name: "head",
      // after the minifier, which keeps no comment
      generateBundle(_, bundle) {
        for (const one of Object.values(bundle)) {
          if (one.type === "chunk") {
            one.code = `/* Built from board/ by npm run build. Sources: ${sources()}\n\n${licences()}\n*/\n${one.code}`;
          }
        }
      },
    },
  ],
});
