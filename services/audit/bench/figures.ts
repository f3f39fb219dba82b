export interface Figure {
  name: string;
  values: number[];
  unit: string;
}

export const percentile = (values: readonly number[], p: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN;
};

const short = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(value >= 10 ? 1 : 2));

/** `median (min–max)` of the rounds. */
export const line = ({ name, values, unit }: Figure): string => {
  const spread = values.length > 1 ? ` (${short(Math.min(...values))}–${short(Math.max(...values))})` : '';
  return `${name.padEnd(52)} ${short(percentile(values, 50))}${spread} ${unit}`;
};

/** Seconds that `work` takes. */
export const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const from = performance.now();
  await work();
  return (performance.now() - from) / 1_000;
};
