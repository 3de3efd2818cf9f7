/** What `corpusmill train --profile` prints: where the time of a step goes. */
import type { OperationProfile } from '../tensor/operation-cost.ts';
import type { TrainingProfile } from '../training/profile.ts';

const HEAD = ['operation', 'calls', 'ms', 'share', 'GFLOP/s', 'GB/s'] as const;

/** A line for each operation, slowest first, and their sum. */
export function profileTable({ backend, adapter, places, launches, operations }: TrainingProfile): string {
  const total = sumOf(operations);
  const rows = [...operations, total].map((row) => rowOf(row, total.milliseconds));
  const widths = HEAD.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i].length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  const where = adapter === null ? backend : `${backend} on ${adapter}`;
  const kernels = launches === null ? '' : `, ${launches} kernels`;
  const speed = Math.round((1000 * places) / total.milliseconds).toLocaleString('en-US');
  const head = `one micro-batch of ${places.toLocaleString('en-US')} tokens and one update, ${where}${kernels}: ${speed} tokens/s`;
  return [head, '', line(HEAD), rule, ...rows.slice(0, -1).map(line), rule, line(rows.at(-1)!), ''].join('\n');
}

function sumOf(operations: readonly OperationProfile[]): Omit<OperationProfile, 'operation'> & { operation: string } {
  const total = { operation: 'all', calls: 0, milliseconds: 0, flops: 0, bytes: 0 };
  for (const { calls, milliseconds, flops, bytes } of operations) {
    total.calls += calls;
    total.milliseconds += milliseconds;
    total.flops += flops;
    total.bytes += bytes;
  }
  return total;
}

function rowOf(
  { operation, calls, milliseconds, flops, bytes }: ReturnType<typeof sumOf>,
  whole: number,
): readonly string[] {
  const rate = (amount: number): string => {
    if (milliseconds === 0) return '-';
    const perSecond = amount / milliseconds / 1e6;
    return perSecond.toFixed(perSecond < 10 ? 2 : perSecond < 100 ? 1 : 0);
  };
  const share = whole === 0 ? 0 : (100 * milliseconds) / whole;
  return [operation, String(calls), milliseconds.toFixed(3), `${share.toFixed(1)} %`, rate(flops), rate(bytes)];
}
