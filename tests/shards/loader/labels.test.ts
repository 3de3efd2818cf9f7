import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Document } from '../../../src/core/document.ts';
import { exportShards } from '../../../src/shards/export/export.ts';
import { openShards, type ShardSet, shardLoader } from '../../../src/shards/loader.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { runShards, writeByteTokenizer } from '../context.ts';

const LENGTH = 64;
const TEMPLATE =
  '{% for m in messages %}[{{ m.role }}]{{ m.content }}|{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}';

let talks: ShardSet;
let texts: ShardSet;
/** Ids and labels of every row, read by apache-arrow. */
const stored: { ids: number[]; labels: number[] }[] = [];

beforeAll(async () => {
  const tokenizer = await writeByteTokenizer(temporaryFolder());
  await writeFile(join(dirname(tokenizer), 'tokenizer_config.json'), JSON.stringify({ chat_template: TEMPLATE }));
  const documents = Array.from({ length: 50 }, (_, i): Document => {
    const messages = [
      { role: 'user', content: `why ${i}?` },
      { role: 'assistant', content: 'so '.repeat(1 + (i % 7)) },
    ];
    return { id: `t${i}`, text: `why ${i}?`, meta: { conversation: { messages } } };
  });
  const make = async (options: Record<string, unknown>) =>
    (
      await runShards({
        dir: temporaryFolder(),
        parts: [documents],
        tokenizer,
        options: { contextLength: LENGTH, ...options },
      })
    ).outputDir;
  talks = await openShards(await make({ conversations: {}, padToken: '<|pad|>' }));
  texts = await openShards(await make({}));
  for (const { file } of talks.manifest.shards) {
    for (const row of tableFromIPC(await readFile(join(talks.dir, file))).toArray()) {
      stored.push({ ids: [...row.input_ids.toArray()], labels: [...row.labels.toArray()] });
    }
  }
});
afterAll(() => Promise.all([talks.close(), texts.close()]));

describe('sets of conversations', () => {
  it('are loaded with their labels, -100 on prompts and padding', async () => {
    let rows = 0;
    for await (const batch of shardLoader(talks, { seed: 1, batchSize: 3, tail: 'pad' })) {
      batch.rows.forEach((row, i) => {
        const own = [...batch.labels!.subarray(i * LENGTH, (i + 1) * LENGTH)];
        expect(own).toEqual(row === -1 ? Array(LENGTH).fill(-100) : stored[row].labels);
        rows += Number(row !== -1);
      });
    }
    expect(rows).toBe(stored.length);
    expect(new Set(stored.flatMap(({ labels }) => labels)).size).toBe(5); // -100 and the letters of `so |`
  });

  it('do not mix with sets without labels, which are loaded without', async () => {
    const mixed = shardLoader([{ shards: talks }, { shards: texts }], { seed: 1, batchSize: 1 });
    await expect(mixed.next()).rejects.toThrow(/some sources have labels and others have none/);
    const first = (await shardLoader(texts, { seed: 1, batchSize: 1 }).next()).value;
    expect(first).not.toHaveProperty('labels');
  });

  it('are exported to MDS with the labels, and elsewhere with a note that they are not', async () => {
    const out = join(temporaryFolder(), 'mds');
    expect((await exportShards(talks.dir, { to: 'mds', out })).notes).toEqual([]);
    const data = await readFile(join(out, 'shard.00000.mds'));
    for (const [i, { ids, labels }] of stored.entries()) {
      // u32 size of seq_lengths, then labels, padding, seq_lengths, tokens
      const sample = data.subarray(data.readUInt32LE(4 + 4 * i), data.readUInt32LE(8 + 4 * i));
      expect(labels.map((_, k) => sample.readInt32LE(4 + 4 * k))).toEqual(labels);
      expect(ids.map((_, k) => sample.readUInt16LE(sample.length - 2 * LENGTH + 2 * k))).toEqual(ids);
    }
    const bin = await exportShards(talks.dir, { to: 'megatron', out: join(temporaryFolder(), 'bin') });
    expect(bin.notes).toContainEqual(expect.stringContaining('megatron has no labels'));
  });
});
