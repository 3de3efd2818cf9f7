/** The lowering of every operation. */
import type { OperationName } from '../../operations.ts';
import type { Lowering } from '../lowering.ts';
import { elementwiseLowerings } from './elementwise.ts';
import { normLowerings } from './norm.ts';
import { reduceLowerings } from './reduce.ts';

export const LOWERINGS = {
  ...elementwiseLowerings,
  ...normLowerings,
  ...reduceLowerings,
} as unknown as Readonly<Record<OperationName, Lowering>>;
