/** The lowering of every operation. */
import type { OperationName } from '../../operations.ts';
import type { Lowering } from '../lowering.ts';
import { attentionLowerings } from './attention.ts';
import { elementwiseLowerings } from './elementwise.ts';
import { embeddingLowerings } from './embedding.ts';
import { matmulLowerings } from './matmul.ts';
import { normLowerings } from './norm.ts';
import { reduceLowerings } from './reduce.ts';

export const LOWERINGS = {
  ...attentionLowerings,
  ...elementwiseLowerings,
  ...embeddingLowerings,
  ...normLowerings,
  ...reduceLowerings,
  ...matmulLowerings,
} as unknown as Readonly<Record<OperationName, Lowering>>;
