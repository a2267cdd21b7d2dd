// Choices of a view.
interface OneProps {
  label: string;
  options: string[];
  value: string;
  onChange: (value: string) => void;
  name?: (option: string) => string;
}

export function One({ label, options, value, onChange, name }: OneProps) {
  return (
    <label class="choice">
      {label}{" "}
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map((one) => <option key={one} value={one}>{name ? name(one) : one}</option>)}
      </select>
    </label>
  );
}

interface ManyProps {
  label: string;
  options: string[];
  /** Null: all. */
  chosen: ReadonlySet<string> | null;
  onChange: (chosen: string[] | null) => void;
}

/** Boxes to tick; with all of them ticked nothing is filtered. */
export function Many({ label, options, chosen, onChange }: ManyProps) {
  const has = (one: string): boolean => chosen?.has(one) ?? true;
  const flip = (one: string): void => {
    const next = options.filter((other) => (other === one ? !has(one) : has(other)));
    onChange(next.length === options.length ? null : next);
  };
  return (
    <fieldset>
      <legend>{label}</legend>
      {options.map((one) => (
        <label key={one}>
          <input type="checkbox" checked={has(one)} onChange={() => flip(one)} /> {one}
        </label>
      ))}
      <button type="button" onClick={() => onChange(null)} disabled={chosen === null}>all</button>{" "}
      <button type="button" onClick={() => onChange([""])}>none</button>
    </fieldset>
  );
}
