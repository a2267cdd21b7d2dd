// Text as LaTeX that compiles with every engine, also at the start of a table's row: the rules of Python's
// uqs.report.latex, which board/test/golden/latex.json holds both to.
const SIGNS: Record<string, string> = {
  "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", $: "\\$", "&": "\\&", "#": "\\#", _: "\\_", "%": "\\%",
  "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}",
  '"': "\\char34{}", "`": "\\char96{}",
  // an end of row takes what begins with these for its options
  "[": "{[}", "*": "{*}",
  // two in sequence would become a dash
  "-": "-{}",
  "\u00a0": "~", "±": "$\\pm$", "−": "$-$", "×": "$\\times$", "·": "$\\cdot$", "≤": "$\\leq$", "≥": "$\\geq$", "–": "--",
  "—": "---", "…": "\\ldots{}", "“": "``", "”": "''", "‘": "`", "’": "'", τ: "$\\tau$", ρ: "$\\rho$", κ: "$\\kappa$", ß: "\\ss{}",
  æ: "\\ae{}", Æ: "\\AE{}", ø: "\\o{}", Ø: "\\O{}", ł: "\\l{}", Ł: "\\L{}",
};
const ACCENTS: Record<string, string> = {
  "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".", "\u0308": '"',
  "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c",
};
const DOTLESS: Record<string, string> = { i: "\\i", j: "\\j" };
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/u;

/** The text in printable ASCII; a sign that LaTeX or the eye cannot show is `[U+4E2D]`. */
export function latexText(text: string): string {
  return [...text.normalize("NFC")].map(sign).join("");
}

function sign(one: string): string {
  const known = SIGNS[one] ?? accented(one);
  if (known !== undefined) return known;
  if (!HIDDEN.test(one) && one <= "\x7f") return one;
  return `{[}U+${one.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`;
}

/** A letter with one accent that LaTeX can put on it. */
function accented(one: string): string | undefined {
  const [letter, accent, ...more] = [...one.normalize("NFD")];
  if (!letter || !accent || more.length || !(accent in ACCENTS) || !/[A-Za-z]/.test(letter)) return undefined;
  return `\\${ACCENTS[accent]}{${DOTLESS[letter] ?? letter}}`;
}
