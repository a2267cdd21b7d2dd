// A table that sorts by its headers; TanStack does the sorting, the address keeps it.
import type { SortingState } from "@tanstack/table-core";
import { createTable, getCoreRowModel, getSortedRowModel } from "@tanstack/table-core";
import type { ComponentChildren } from "preact";
import { csv, json, latex, save } from "./save";

export interface Column<Row> {
  id: string;
  title: string;
  hint?: string;
  /** What it sorts by and what files get; null where there is none. */
  value: (row: Row) => string | number | null;
  show?: (row: Row) => ComponentChildren;
  words?: boolean;
  high?: boolean;
  still?: boolean;
}

interface Props<Row> {
  caption: string;
  file: string;
  columns: Column<Row>[];
  rows: Row[];
  /** As `-uqs` for descending. */
  sort: string;
  onSort: (sort: string) => void;
  /** How many rows are shown at first; files have them all. */
  most?: number | undefined;
  onAll?: () => void;
  /** Rows with a new mark get a line above them, while the table is sorted as it was first. */
  mark?: (row: Row) => string;
}

export function Table<Row>({ caption, file, columns, rows, sort, onSort, mark, most, onAll }: Props<Row>) {
  const id = sort.replace(/^-/, "");
  const sorting: SortingState = columns.some((one) => one.id === id) ? [{ id, desc: sort.startsWith("-") }] : [];
  const table = createTable<Row>({
    data: rows,
    columns: columns.map((one) => ({
      id: one.id,
      // undefined values come last in either order
      accessorFn: (row: Row) => one.value(row) ?? undefined,
      sortUndefined: "last" as const,
      sortingFn: (a, b, name) => compare(a.getValue(name), b.getValue(name)),
    })),
    state: { sorting, columnPinning: { left: [], right: [] } },
    onStateChange: () => undefined,
    renderFallbackValue: null,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
  });
  const shown = table.getSortedRowModel().rows.map((one) => one.original);
  const head = columns.map((one) => (one.hint ? `${one.title} (${one.hint})` : one.title));
  const cells = (): (string | number | null)[][] => shown.map((row) => columns.map((one) => one.value(row)));
  return (
    <div>
      <div class="wide" role="region" aria-label={caption} tabIndex={0}>
        <table>
          <caption>{caption}</caption>
          <thead>
            <tr>
              {columns.map((one) => (
                <Header key={one.id} column={one} sort={sort} onSort={onSort} />
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.slice(0, most).map((row, at) => (
              <tr key={at} class={mark && at > 0 && mark(row) !== mark(shown[at - 1]!) ? "next" : undefined}>
                {columns.map((one, place) => cell(one, row, place))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {most !== undefined && shown.length > most ? (
        <p class="files"><button type="button" onClick={onAll}>Show all {shown.length} rows</button></p>
      ) : null}
      <p class="files">
        Table as{" "}
        <button type="button" onClick={() => save(`${file}.csv`, csv(head, cells()), "text/csv")}>CSV</button>{" "}
        <button type="button" onClick={() => save(`${file}.json`, json(head, cells()), "application/json")}>JSON</button>{" "}
        <button type="button" onClick={() => save(`${file}.tex`, latex(head, cells()), "application/x-tex")}>LaTeX</button>
      </p>
    </div>
  );
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en");
}

function Header<Row>({ column, sort, onSort }: { column: Column<Row>; sort: string; onSort: (sort: string) => void }) {
  const order = sort === column.id ? "ascending" : sort === `-${column.id}` ? "descending" : "none";
  const hint = column.hint ? <small>{column.hint}</small> : null;
  const style = column.words ? "words" : undefined;
  if (column.still) return <th scope="col" class={style}>{column.title}{hint}</th>;
  const next = order === "none" ? Boolean(column.high) : order === "ascending";
  return (
    <th scope="col" aria-sort={order} class={style}>
      <button type="button" onClick={() => onSort(next ? `-${column.id}` : column.id)}>{column.title}</button>
      {hint}
    </th>
  );
}

function cell<Row>(column: Column<Row>, row: Row, place: number) {
  const value = column.show ? column.show(row) : column.value(row);
  const shown = value === null ? <span class="status">none</span> : value;
  const style = column.words ? "words" : undefined;
  return place === 0 ? <th scope="row" class={style}>{shown}</th> : <td class={style}>{shown}</td>;
}
