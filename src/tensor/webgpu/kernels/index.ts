/** The lowering of every operation. */
import type { OperationName } from '../../operations.ts';
import type { Lowering } from '../lowering.ts';
import { elementwiseLowerings } from './elementwise.ts';
import { matmulLowerings } from './matmul.ts';

export const LOWERINGS = {
  ...elementwiseLowerings,
  ...matmulLowerings,
} as unknown as Readonly<Record<OperationName, Lowering>>;
