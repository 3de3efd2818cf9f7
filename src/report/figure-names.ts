/** How figures of alignment are called and written in every report alike. */
import { formatMeasure, NO_FIGURE } from './numbers.ts';

const NAMES: Readonly<Record<string, string>> = {
  kl: 'KL to the reference',
  entropy: 'entropy of a token',
  responseLength: 'tokens of a response',
};

/** `KL to the reference`, `held-out accuracy`. */
export function figureName(name: string): string {
  const [base, held] = name.split(' (held out)');
  return `${held === undefined ? '' : 'held-out '}${NAMES[base] ?? base}`;
}

/** Three digits are enough to compare by: `0.913`, `−1.2e−4`. */
export function figureText(value: number | null): string {
  if (value === null) return NO_FIGURE;
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(1).replaceAll('-', '−');
  return formatMeasure(Number(value.toPrecision(3)));
}
