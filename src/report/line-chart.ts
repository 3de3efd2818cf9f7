/**
 * A curve in characters, for terminals: one column a point, lines of box-drawing characters between them, the scale on the
 * left (the form of asciichart, kroitor).
 */

/** Rows of text, the highest value first; empty without a finite value. */
export function lineChart(values: readonly number[], size: { width: number; height: number }): string[] {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [];
  const { height } = size;
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const span = high - low || 1;
  const digits = decimalsFor(span / Math.max(1, height - 1));
  const labels = Array.from({ length: height }, (_, row) =>
    (high - (span * row) / Math.max(1, height - 1)).toFixed(digits),
  );
  const labelWidth = Math.max(...labels.map((label) => label.length));
  const columns = condense(values, Math.max(2, size.width - labelWidth - 3));
  const rowOf = (value: number): number => Math.round(((high - value) / span) * (height - 1));
  const cells = Array.from({ length: height }, () => new Array<string>(columns.length).fill(' '));
  for (const [x, value] of columns.entries()) {
    if (!Number.isFinite(value)) continue;
    const to = rowOf(value);
    const from = x === 0 || !Number.isFinite(columns[x - 1]) ? to : rowOf(columns[x - 1]);
    if (from === to) {
      cells[to][x] = '─';
      continue;
    }
    const down = to > from;
    cells[from][x] = down ? '╮' : '╯';
    cells[to][x] = down ? '╰' : '╭';
    for (let row = Math.min(from, to) + 1; row < Math.max(from, to); row++) cells[row][x] = '│';
  }
  return cells.map((row, i) => `${labels[i].padStart(labelWidth)} ┤${row.join('').trimEnd()}`);
}

/** As many values as there are columns: means of neighbours where there are more. */
function condense(values: readonly number[], columns: number): number[] {
  if (values.length <= columns) return [...values];
  return Array.from({ length: columns }, (_, x) => {
    const from = Math.floor((x * values.length) / columns);
    const to = Math.max(from + 1, Math.floor(((x + 1) * values.length) / columns));
    const finite = values.slice(from, to).filter(Number.isFinite);
    return finite.length === 0 ? Number.NaN : finite.reduce((sum, value) => sum + value, 0) / finite.length;
  });
}

/** Decimals that tell neighbouring rows apart. */
function decimalsFor(step: number): number {
  return Math.min(6, Math.max(0, Math.ceil(-Math.log10(step))));
}
