/** A golden model of the shared folder, in a backend's memory, with its reference values. */
import { type GoldenModel, openGoldenFolder } from '../../bench/golden-model.ts';
import type { Backend } from '../../src/tensor/backend.ts';
import { shared } from '../shared.ts';

export { GOLDEN_MODELS } from '../../bench/golden-model.ts';

/** Opens one of `GOLDEN_MODELS`. */
export function openGolden(name: string, backend: Backend): Promise<GoldenModel> {
  return openGoldenFolder(shared(`goldens/${name}`), backend);
}
