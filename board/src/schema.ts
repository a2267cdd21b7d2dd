// Written by scripts/board_schema.py from src/uqs/report/board/live/; not to be edited.

export const SCHEMA = 2;

export interface Metric {
  name: string;
  better: "lower" | "higher" | "target";
  words: string;
}

export interface Column {
  values: (number | null)[];
  errors: (number | null)[];
  statuses: (string)[];
  oracles: ((number | null)[])[] | null;
}

export interface Runs {
  benchmark: (number)[];
  method: (number)[];
  seed: (number)[];
  metrics: Record<string, Column>;
}

export interface Estimate {
  value: number;
  se: number | null;
}

export interface Reference {
  benchmark: string;
  metric: string;
  original: Estimate | null;
  oracle: Estimate | null;
  floor: Estimate | null;
}

export interface Response {
  shares: (number)[];
  means: (number)[];
  direction: number;
}

export interface Utility {
  shares: (number)[];
  means: (number)[];
  sd: number;
}

export interface Ladder {
  responses: Record<string, Response>;
  utility: Utility | null;
  why: Record<string, string>;
  tolerance: number;
}

export interface Scale {
  benchmark: string;
  metric: string;
  status: string;
  oracle: number;
  zero: number;
  one: number;
}

export interface Preset {
  name: string;
  weights: ((number)[])[];
  benchmarks: (string)[];
  reason: string;
}

export interface Generator {
  state: string;
  increment: string;
}

export interface Score {
  form: "published" | "calibrated";
  metrics: (string)[];
  ladders: Record<string, Ladder>;
  scales: (Scale)[];
  presets: (Preset)[];
  generator: Generator;
  level: number;
  draws: number;
}

export interface Rung {
  kind: "ladder" | "suppressed" | "damaged";
  name: string;
  share: number;
  values: (number)[];
}

export interface Card {
  benchmark: string;
  metric: string;
  rungs: (Rung)[];
  response: Response | null;
  usable: boolean;
  why: string;
  smallest: number | null;
  blind: (string)[];
  fooled: (string)[];
  suppressed: number;
  damaged: number;
}

export interface Order {
  benchmark: string;
  strength: string;
  metric: string;
  shown: string;
  log: boolean;
  methods: (string)[];
  means: (number)[];
  errors: (number)[];
  critical: number | null;
  separated: number | null;
  seeds: number;
  oracles: number;
}

export interface Association {
  value: number | null;
  status: string;
}

export interface Pair {
  a: string;
  b: string;
  within: Association;
  defined: number;
  groups: number;
  pooled: Association;
  reverses: boolean;
  benchmarks: Record<string, Association>;
  p: number | null;
}

export interface Clusters {
  groups: ((string)[])[];
  support: number | null;
  resamples: number;
  reason: string;
}

export interface Trust {
  cards: (Card)[];
  orders: (Order)[];
  pairs: (Pair)[];
  clusters: Clusters;
  verdicts: (string)[];
}

export interface Board {
  schema: number;
  title: string;
  benchmarks: (string)[];
  bases: (string)[];
  stopped: (string)[];
  methods: (string)[];
  metrics: (Metric)[];
  runs: Runs;
  references: (Reference)[];
  score: Score | null;
  unscored: string;
  trust: Trust;
}

export interface Question {
  id: string;
  entity: string;
  task: string;
  question: string;
  options: (string)[];
  gold: string;
  picture: number;
}

export interface Sampled {
  role: string;
  method: string;
  seed: number;
  hyperparameters: string;
  config: string;
  version: string;
  device: string;
  original: number;
  answers: (number)[];
  right: (number)[];
  recovered: Record<string, (number)[]>;
  forget: (number | null)[];
  holdout: (number | null)[];
}

export interface Sheet {
  benchmark: string;
  edition: string;
  base: string;
  data: string;
  questions: (Question)[];
  holdout: (Question)[];
  words: (string)[];
  models: (Sampled)[];
  lacks: (string)[];
}

export interface Samples {
  pictures: (string)[];
  sheets: (Sheet)[];
}

export interface PublishedFigure {
  group: string;
  key: string;
  printed: string;
  reproduced: number;
  corrected: number | null;
  agrees: boolean;
  why: string;
}

export interface LaterFinding {
  what: string;
  printed: string;
  ours: number | null;
  agrees: boolean | null;
  why: string;
}

export interface PublishedRun {
  benchmark: string;
  method: string;
  seed: number;
  values: Record<string, number>;
}

export interface Unlike {
  benchmark: string;
  metric: string;
  why: string;
}

export interface Published {
  figures: (PublishedFigure)[];
  later: (LaterFinding)[];
  runs: (PublishedRun)[];
  always: string;
  unlike: (Unlike)[];
}
