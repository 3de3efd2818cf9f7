import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../../src/models/checkpoint/read.ts';
import { upcycleCheckpoint } from '../../../src/models/checkpoint/upcycle.ts';
import { writeCheckpoint } from '../../../src/models/checkpoint/write.ts';
import { readModelConfig } from '../../../src/models/hf-config.ts';
import { SMALL, wavyParameters } from '../small-models.ts';

const HIDDEN = 16;
const WIDTH = 24;
const PREFIX = 'model.layers.1.mlp';
const MOE = { experts: 6, perToken: 2, expertWidth: 8, sharedWidth: 12 };

let folder: string;
let dense: ReadonlyMap<string, Float32Array>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'corpusmill-upcycle-'));
  const config = readModelConfig(SMALL['qwen2'], 'qwen2');
  dense = wavyParameters(config);
  await writeCheckpoint(join(folder, 'dense'), { config, values: (name) => dense.get(name) as Float32Array });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The mixture's parameters by name. */
async function upcycled(
  options: Partial<Parameters<typeof upcycleCheckpoint>[2]>,
): Promise<ReadonlyMap<string, Float32Array>> {
  const out = join(folder, 'moe');
  await upcycleCheckpoint(join(folder, 'dense'), out, { ...MOE, ...options });
  return (await readCheckpoint(out)).parameters;
}

/** SwiGLU of one expert: gate and up [width, hidden], down [hidden, width]. */
function feedForward(gate: Float32Array, up: Float32Array, down: Float32Array, x: readonly number[]): number[] {
  const width = gate.length / HIDDEN;
  const dot = (matrix: Float32Array, row: number): number =>
    x.reduce((sum, value, c) => sum + value * matrix[row * HIDDEN + c], 0);
  const inner = Array.from({ length: width }, (_, unit) => {
    const g = dot(gate, unit);
    return (g / (1 + Math.exp(-g))) * dot(up, unit);
  });
  return Array.from({ length: HIDDEN }, (_, row) =>
    inner.reduce((sum, h, unit) => sum + h * down[row * width + unit], 0),
  );
}

function get(values: ReadonlyMap<string, Float32Array>, name: string): Float32Array {
  const found = values.get(name);
  if (found === undefined) throw new RangeError(`no ${name}`);
  return found;
}

describe('upcycling', () => {
  it('cuts experts whose outputs add up to that of the copies, before entries are drawn anew', async () => {
    const moe = await upcycled({ reinitialize: 0 });
    const x = Array.from({ length: HIDDEN }, (_, i) => Math.cos(3 * i) / 4);
    const whole = feedForward(
      ...(['gate', 'up', 'down'].map((name) => get(dense, `${PREFIX}.${name}_proj.weight`)) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ]),
      x,
    );
    // Six experts of 8 are two copies of a layer of 24.
    const sum = new Array<number>(HIDDEN).fill(0);
    for (let expert = 0; expert < MOE.experts; expert++) {
      const size = MOE.expertWidth * HIDDEN;
      const [gate, up, down] = ['gate', 'up', 'down'].map((name) =>
        get(moe, `${PREFIX}.experts.${name}_proj.weight`).subarray(expert * size, (expert + 1) * size),
      );
      feedForward(gate, up, down, x).forEach((value, row) => {
        sum[row] += value;
      });
    }
    sum.forEach((value, row) => expect(value).toBeCloseTo(2 * whole[row], 4));
  });

  it('makes experts that differ, and the same ones again from the same seed', async () => {
    const first = get(await upcycled({ reinitialize: 0 }), `${PREFIX}.experts.gate_proj.weight`);
    const again = get(await upcycled({ reinitialize: 0 }), `${PREFIX}.experts.gate_proj.weight`);
    const other = get(await upcycled({ reinitialize: 0, seed: 2 }), `${PREFIX}.experts.gate_proj.weight`);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    const size = MOE.expertWidth * HIDDEN;
    expect(first.subarray(0, size)).not.toEqual(first.subarray(size, 2 * size));
  });

  it('draws half of the experts anew and keeps what is no feed-forward layer', async () => {
    const kept = await upcycled({ reinitialize: 0 });
    const half = await upcycled({});
    const before = get(kept, `${PREFIX}.experts.up_proj.weight`);
    const after = get(half, `${PREFIX}.experts.up_proj.weight`);
    const same = before.reduce((sum, value, i) => sum + Number(value === after[i]), 0);
    // 768 entries: the share kept has a standard deviation of .018.
    expect(Math.abs(same / before.length - 0.5)).toBeLessThan(0.08);
    expect(get(half, `${PREFIX}.shared_expert.up_proj.weight`)).toEqual(
      get(kept, `${PREFIX}.shared_expert.up_proj.weight`),
    );
    for (const name of ['model.embed_tokens.weight', 'model.layers.0.self_attn.q_proj.bias', 'lm_head.weight']) {
      expect(get(half, name)).toEqual(get(dense, name));
    }
    expect(half.get('model.layers.0.mlp.gate_proj.weight')).toBeUndefined();
    expect(WIDTH).toBe(get(dense, 'model.layers.0.mlp.gate_proj.weight').length / HIDDEN);
  });

  it('says what cannot become a mixture', async () => {
    const from = join(folder, 'dense');
    const { sharedWidth, ...withoutShared } = MOE;
    await expect(upcycleCheckpoint(from, join(folder, 'x'), withoutShared)).rejects.toThrow('has a shared expert');
    await expect(upcycleCheckpoint(from, from, MOE)).rejects.toThrow('the output is the same folder');
    await expect(upcycleCheckpoint(from, join(folder, 'x'), { ...MOE, perToken: 7 })).rejects.toThrow('7 of 6 experts');
    await upcycleCheckpoint(from, join(folder, 'once'), MOE);
    await expect(upcycleCheckpoint(join(folder, 'once'), join(folder, 'x'), MOE)).rejects.toThrow('it is a qwen2-moe');
  });
});
