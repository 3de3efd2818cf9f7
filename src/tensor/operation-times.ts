/** What the instructions of a profiled run took, summed by operation. */
import type { Instruction, OperationTiming } from './backend.ts';
import type { OperationName } from './operations.ts';

/** `milliseconds` of each instruction; operations come in the order in which they are first met. */
export function sumTimes(instructions: readonly Instruction[], milliseconds: ArrayLike<number>): OperationTiming[] {
  const sums = new Map<OperationName, { calls: number; milliseconds: number }>();
  instructions.forEach(({ operation }, index) => {
    const sum = sums.get(operation) ?? { calls: 0, milliseconds: 0 };
    sum.calls++;
    sum.milliseconds += milliseconds[index];
    sums.set(operation, sum);
  });
  return [...sums].map(([operation, sum]) => ({ operation, ...sum }));
}
