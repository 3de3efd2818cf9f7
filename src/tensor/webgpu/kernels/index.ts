/** The lowering of every operation. */
import type { OperationName } from '../../operations.ts';
import type { Lowering } from '../lowering.ts';
import { elementwiseLowerings } from './elementwise.ts';
import { embeddingLowerings } from './embedding.ts';
import { groupedMatmulLowerings } from './grouped-matmul.ts';
import { headLowerings } from './head.ts';
import { matmulLowerings } from './matmul.ts';
import { normLowerings } from './norm.ts';
import { reduceLowerings } from './reduce.ts';

export const LOWERINGS = {
  ...elementwiseLowerings,
  ...embeddingLowerings,
  ...normLowerings,
  ...reduceLowerings,
  ...matmulLowerings,
  ...groupedMatmulLowerings,
  ...headLowerings,
} as unknown as Readonly<Record<OperationName, Lowering>>;
