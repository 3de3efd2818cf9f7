/** The lowering of every operation. */
import type { OperationName } from '../../operations.ts';
import type { Lowering } from '../lowering.ts';
import { attentionLowerings } from './attention.ts';
import { dropoutLowerings } from './dropout.ts';
import { elementwiseLowerings } from './elementwise.ts';
import { embeddingLowerings } from './embedding.ts';
import { groupedMatmulLowerings } from './grouped-matmul.ts';
import { headLowerings } from './head.ts';
import { matmulLowerings } from './matmul.ts';
import { moeLowerings } from './moe.ts';
import { normLowerings } from './norm.ts';
import { optimizerLowerings } from './optimizer.ts';
import { reduceLowerings } from './reduce.ts';
import { routeLowerings } from './route.ts';

export const LOWERINGS: Readonly<Record<OperationName, Lowering>> = {
  ...attentionLowerings,
  ...elementwiseLowerings,
  ...dropoutLowerings,
  ...embeddingLowerings,
  ...moeLowerings,
  ...normLowerings,
  ...optimizerLowerings,
  ...reduceLowerings,
  ...routeLowerings,
  ...matmulLowerings,
  ...groupedMatmulLowerings,
  ...headLowerings,
};
