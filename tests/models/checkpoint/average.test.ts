import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { averageCheckpoints } from '../../../src/models/checkpoint/average.ts';
import { openCheckpoint } from '../../../src/models/checkpoint/read.ts';
import { writeCheckpoint } from '../../../src/models/checkpoint/write.ts';
import { parametersOf } from '../../../src/models/parameters.ts';
import { tinyConfig } from '../../training/tiny-training.ts';

const root = mkdtempSync(join(tmpdir(), 'corpusmill-average-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Every weight is `value` plus its place / 8, which float32 holds exactly. */
async function folder(name: string, value: number, given: Record<string, unknown> = {}): Promise<string> {
  const path = join(root, name);
  const config = tinyConfig(16, given);
  const lengths = new Map(parametersOf(config).map((p) => [p.name, p.shape.reduce((a, b) => a * b, 1)]));
  const values = (parameter: string): Float32Array =>
    Float32Array.from({ length: lengths.get(parameter)! }, (_, i) => value + (i % 16) / 8);
  await writeCheckpoint(path, { config, values });
  return path;
}

async function first(path: string): Promise<number[]> {
  const opened = await openCheckpoint(path);
  const values = await opened.read('model.embed_tokens.weight');
  await opened.close();
  return Array.from(values.subarray(0, 2));
}

describe('the mean of checkpoints', () => {
  it('is plain, or weighted', async () => {
    const folders = [await folder('one', 1), await folder('two', 2), await folder('six', 6)];
    await averageCheckpoints(folders, join(root, 'mean'));
    expect(await first(join(root, 'mean'))).toEqual([3, 3.125]);
    await averageCheckpoints(folders, join(root, 'weighted'), { weights: [1, 1, 2] });
    expect(await first(join(root, 'weighted'))).toEqual([3.75, 3.875]);
  });

  it('of one checkpoint twice is that checkpoint', async () => {
    const same = await folder('same', 0.1);
    await averageCheckpoints([same, same], join(root, 'twice'));
    expect(await first(join(root, 'twice'))).toEqual(await first(same));
  });

  it('names the parameter in which two models differ', async () => {
    const [small, wide] = [await folder('small', 1), await folder('wide', 1, { intermediate_size: 24 })];
    await expect(averageCheckpoints([small, wide], join(root, 'no'))).rejects.toThrow(
      /mlp\.gate_proj\.weight is \[16,8\] in the first, \[24,8\] in the other/,
    );
    const deep = await folder('deep', 1, { num_hidden_layers: 2 });
    await expect(averageCheckpoints([deep, small], join(root, 'no'))).rejects.toThrow(/in the first, \[absent\]/);
  });

  it('refuses one checkpoint, weights that do not fit, and to write over what it reads', async () => {
    const one = await folder('alone', 1);
    const out = join(root, 'out');
    await expect(averageCheckpoints([one], out)).rejects.toThrow('1 of them');
    await expect(averageCheckpoints([one, one], out, { weights: [1] })).rejects.toThrow('1 weights for 2');
    await expect(averageCheckpoints([one, one], out, { weights: [1, 0] })).rejects.toThrow('a weight is 0');
    await expect(averageCheckpoints([one, join(root, 'one')], one)).rejects.toThrow('is one of them');
  });
});
