/**
 * The mean of several checkpoints' weights, plain or weighted: of runs from one beginning it is often better than any of them
 * (Wortsman et al. 2022, "Model soups"), and of a run's last checkpoints it smooths the end. One parameter after another goes through
 * memory, summed in float64.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import type { StoredDtype } from '../hf-config-write.ts';
import { parametersOf } from '../parameters.ts';
import { openCheckpoint } from './read.ts';
import { TOKENIZER_FILES, writeCheckpoint } from './write.ts';

export interface AverageOptions {
  /** One for each checkpoint, positive; they are divided by their sum. Default: equal. */
  readonly weights?: readonly number[];
  readonly dtype?: StoredDtype;
}

/**
 * Writes the mean of `folders` to `output`, with the configuration and the tokenizer of the first. Returns the names of the files. Throws
 * USAGE for fewer than two folders, weights that do not fit or an output that is one of the folders, CONFIG_INVALID where two
 * models differ in a parameter, and what reading and writing throw.
 */
export async function averageCheckpoints(
  folders: readonly string[],
  output: string,
  options: AverageOptions = {},
): Promise<string[]> {
  const shares = sharesOf(folders, output, options.weights);
  const opened: Awaited<ReturnType<typeof openCheckpoint>>[] = [];
  try {
    for (const folder of folders) opened.push(await openCheckpoint(folder));
    const [first] = opened;
    const shapes = new Map(parametersOf(first.config).map(({ name, shape }) => [name, shape.join()]));
    for (const [i, { config }] of opened.entries()) {
      const others = parametersOf(config);
      const different = others.find(({ name, shape }) => shapes.get(name) !== shape.join());
      if (different === undefined && others.length === shapes.size) continue;
      const [name, here, there] =
        different === undefined
          ? missingOf(shapes, new Set(others.map((parameter) => parameter.name)))
          : [different.name, shapes.get(different.name) ?? 'absent', different.shape.join()];
      throw new CorpusmillError(
        'CONFIG_INVALID',
        `averaging ${folders[0]} and ${folders[i]}: ${name} is [${here}] in the first, [${there}] in the other`,
        { hint: 'Only models of one shape have a mean.' },
      );
    }
    const tokenizer = TOKENIZER_FILES.some((name) => existsSync(join(folders[0], name))) ? folders[0] : undefined;
    return await writeCheckpoint(output, {
      config: first.config,
      async values(name) {
        let sum: Float64Array | undefined;
        for (const [i, { read }] of opened.entries()) {
          const values = await read(name);
          sum ??= new Float64Array(values.length);
          for (let at = 0; at < values.length; at++) sum[at] += shares[i] * values[at];
        }
        return Float32Array.from(sum!);
      },
      ...(options.dtype !== undefined && { dtype: options.dtype }),
      ...(tokenizer !== undefined && { tokenizer }),
    });
  } finally {
    for (const checkpoint of opened) await checkpoint.close();
  }
}

function sharesOf(folders: readonly string[], output: string, weights: readonly number[] | undefined): number[] {
  const fail = (found: string, hint: string): never => {
    throw new CorpusmillError('USAGE', `averaging checkpoints: ${found}`, { hint });
  };
  if (folders.length < 2) fail(`${folders.length} of them`, 'Give at least two.');
  if (folders.some((folder) => resolve(folder) === resolve(output))) {
    fail(`the output ${output} is one of them`, 'Give another folder: they are read while the mean is written.');
  }
  const given = weights ?? folders.map(() => 1);
  if (given.length !== folders.length) {
    fail(`${given.length} weights for ${folders.length} checkpoints`, 'Give one weight for each.');
  }
  const bad = given.find((weight) => !(weight > 0) || !Number.isFinite(weight));
  if (bad !== undefined) fail(`a weight is ${bad}`, 'Weights are positive numbers.');
  const total = given.reduce((sum, weight) => sum + weight, 0);
  return given.map((weight) => weight / total);
}

function missingOf(shapes: ReadonlyMap<string, string>, others: ReadonlySet<string>): [string, string, string] {
  for (const [name, shape] of shapes) if (!others.has(name)) return [name, shape, 'absent'];
  throw new TypeError('averaging: the models have the same parameters');
}
