/**
 * Log-probabilities of the completions under the reference policy, computed once and kept in the run's folder under a key of the
 * reference's weights, the pairs and the row's length: a run that goes on reads them, and one with another reference cannot
 * take them for its own. Cost: a third of one epoch's forward passes and backward passes, once.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { xxh64Hex } from '../core/hash.ts';
import { openSafetensors } from '../io/safetensors/reader.ts';
import { writeSafetensors } from '../io/safetensors/writer.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import type { TokenPair } from './data/pairs.ts';
import { type PairShape, type PairValues, pairLogProbs } from './pair-scores.ts';

/**
 * Reads them where the folder has them, else computes and writes them. `folder` is the run's; they lie in
 * `reference-log-probs/KEY.safetensors`.
 */
export async function referenceLogProbs(
  backend: Backend,
  reference: ModelWeights,
  pairs: readonly TokenPair[],
  shape: PairShape,
  folder: string,
  signal?: AbortSignal,
): Promise<PairValues> {
  const key = await keyOf(reference, pairs);
  const path = join(folder, 'reference-log-probs', `${key}.safetensors`);
  if (existsSync(path)) {
    const file = await openSafetensors(path);
    try {
      return { chosen: await file.readFloat32('chosen'), rejected: await file.readFloat32('rejected') };
    } finally {
      await file.close();
    }
  }
  const values = await pairLogProbs(backend, reference, pairs, shape, signal);
  await mkdir(join(folder, 'reference-log-probs'), { recursive: true });
  await writeSafetensors(
    path,
    (['chosen', 'rejected'] as const).map((name) => ({
      name,
      dtype: 'F32',
      shape: [pairs.length],
      values: () => values[name],
    })),
    { kind: 'reference log-probabilities', key },
  );
  return values;
}

/** A hash of all weights and all tokens, whatever files they came from. */
async function keyOf(reference: ModelWeights, pairs: readonly TokenPair[]): Promise<string> {
  let hash = '0';
  const add = (values: Float32Array | Int32Array): void => {
    hash = xxh64Hex(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), BigInt(`0x${hash}`));
  };
  for (const { name } of reference.parameters) add(await reference.read(name));
  for (const { chosen, rejected } of pairs) {
    for (const side of [chosen, rejected]) {
      add(side.ids);
      add(side.labels);
    }
  }
  return hash;
}
