/** The lowering of every operation. */
import type { OperationName } from '../../operations.ts';
import type { Lowering } from '../lowering.ts';
import { elementwiseLowerings } from './elementwise.ts';
import { groupedMatmulLowerings } from './grouped-matmul.ts';
import { headLowerings } from './head.ts';
import { matmulLowerings } from './matmul.ts';

export const LOWERINGS = {
  ...elementwiseLowerings,
  ...matmulLowerings,
  ...groupedMatmulLowerings,
  ...headLowerings,
} as unknown as Readonly<Record<OperationName, Lowering>>;
