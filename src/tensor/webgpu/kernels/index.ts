/** The lowering of every operation. */
import type { OperationName } from '../../operations.ts';
import type { Lowering } from '../lowering.ts';
import { attentionLowerings } from './attention.ts';
import { elementwiseLowerings } from './elementwise.ts';

export const LOWERINGS = {
  ...attentionLowerings,
  ...elementwiseLowerings,
} as unknown as Readonly<Record<OperationName, Lowering>>;
