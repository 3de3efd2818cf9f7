import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { type ConversationEncoder, encodeConversations } from '../../src/shards/conversation-tokens.ts';
import { readManifest } from '../../src/shards/manifest.ts';
import { verifyShards } from '../../src/shards/verify.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { PAD, runShards, writeByteTokenizer } from './context.ts';

const TEMPLATE =
  '{% for m in messages %}[{{ m.role }}]{{ m.content }}|{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}';

let tokenizer: string;
beforeAll(async () => {
  tokenizer = await writeByteTokenizer(temporaryFolder());
  await writeFile(join(dirname(tokenizer), 'tokenizer_config.json'), JSON.stringify({ chat_template: TEMPLATE }));
});

function talk(id: string, question: string, answer: string): Document {
  const messages = [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ];
  return { id, text: `${question}\n${answer}`, meta: { source: 'talks', conversation: { messages } } };
}

/** What the template makes of it, and where a loss is taken: on the answer and its end. */
function expected(question: string, answer: string): { ids: number[]; labels: number[] } {
  const prompt = `[user]${question}|[assistant]`;
  const ids = [...Buffer.from(`${prompt}${answer}|`)];
  return { ids, labels: ids.map((id, i) => (i < Buffer.byteLength(prompt) ? -100 : id)) };
}

/** Pieces of all rows with their labels, read by apache-arrow; ids and labels of padding apart. */
async function readTalks(outputDir: string) {
  const { dir, manifest } = await readManifest(outputDir);
  const pieces: { ids: number[]; labels: number[] }[] = [];
  const padding: { ids: number[]; labels: number[] } = { ids: [], labels: [] };
  for (const { file } of manifest.shards) {
    const table = tableFromIPC(await readFile(join(dir, file)));
    for (const row of table.toArray()) {
      const [ids, labels] = [row.input_ids.toArray(), row.labels.toArray()].map((array) => [...array] as number[]);
      let at = 0;
      for (const length of [...row.seq_lengths.toArray()] as number[]) {
        const to = at + length;
        if (to === ids.length && row.padding > 0) {
          padding.ids.push(...ids.slice(at));
          padding.labels.push(...labels.slice(at));
        } else pieces.push({ ids: ids.slice(at, to), labels: labels.slice(at, to) });
        at = to;
      }
    }
  }
  return { pieces, padding, manifest };
}

const byText = (talks: { ids: number[] }[]) => [...talks].sort((a, b) => (String(a.ids) < String(b.ids) ? -1 : 1));
const texts: [string, string][] = Array.from({ length: 30 }, (_, i) => [
  `why ${i}?`,
  `because ${'so '.repeat(i % 9)}語`,
]);

describe('conversations', () => {
  it('become rows with labels: the token where the assistant speaks, -100 elsewhere and on padding', async () => {
    const talks = texts.map(([question, answer], i) => talk(`t${i}`, question, answer));
    const { outputDir, report } = await runShards({
      dir: temporaryFolder(),
      parts: [talks.slice(0, 11), talks.slice(11)],
      tokenizer,
      options: { contextLength: 128, padToken: '<|pad|>', conversations: { tooLong: 'truncate', train: 'all' } },
    });
    const { pieces, padding, manifest } = await readTalks(outputDir);
    expect(byText(pieces)).toEqual(byText(texts.map(([question, answer]) => expected(question, answer))));
    expect(padding.ids.length).toBe(manifest.padding.tokens);
    expect(new Set(padding.ids)).toEqual(new Set([PAD]));
    expect(new Set(padding.labels)).toEqual(new Set([-100]));
    expect(manifest).toMatchObject({
      bos: null,
      eos: null,
      cut: { documents: 0 },
      conversations: { tooLong: 'truncate', truncated: 0, dropped: 0 },
    });
    expect(Object.keys(manifest.columns)).toEqual(['input_ids', 'seq_lengths', 'padding', 'labels']);
    expect(report).toMatchObject({ documents: 30, truncated: 0, dropped: 0 });
    expect(report.bytesPerToken).toBeUndefined();
    expect(await verifyShards(outputDir)).toMatchObject({ ok: true, problems: [] });
  });

  it.each([
    ['truncate', 2, { truncated: 1, dropped: 0 }],
    ['drop', 1, { truncated: 0, dropped: 1 }],
  ] as const)('longer than a row: %s', async (tooLong, documents, counts) => {
    const long = 'x'.repeat(100);
    const { outputDir, report } = await runShards({
      dir: temporaryFolder(),
      parts: [[talk('long', 'why?', long), talk('short', 'why?', 'no')]],
      tokenizer,
      options: { contextLength: 64, conversations: { tooLong, train: 'all' } },
    });
    expect(report).toMatchObject({ documents, ...counts });
    const { pieces, manifest } = await readTalks(outputDir);
    expect(manifest).toMatchObject({ documents, cut: { documents: 0 }, conversations: counts });
    const whole = expected('why?', long);
    const kept = { ids: whole.ids.slice(0, 64), labels: whole.labels.slice(0, 64) };
    expect(byText(pieces)).toEqual(byText([...(tooLong === 'truncate' ? [kept] : []), expected('why?', 'no')]));
  });

  it('are split as texts are', async () => {
    const talks = texts.map(([question, answer], i) => talk(`t${i}`, question, answer));
    const { outputDir, report } = await runShards({
      dir: temporaryFolder(),
      parts: [talks],
      tokenizer,
      options: { contextLength: 128, validationDocuments: 4, conversations: { tooLong: 'drop', train: 'all' } },
    });
    expect(report.validation).toMatchObject({ documents: 4 });
    expect(await verifyShards(outputDir)).toMatchObject({ ok: true });
  });

  it('detects labels that are not the tokens', async () => {
    const { outputDir } = await runShards({
      dir: temporaryFolder(),
      parts: [[talk('t', 'why?', 'no')]],
      tokenizer,
      options: { contextLength: 64, conversations: { tooLong: 'drop', train: 'all' } },
    });
    const { dir, manifest } = await readManifest(outputDir);
    const path = join(dir, manifest.shards[0].file);
    const bytes = await readFile(path);
    const labels = tableFromIPC(bytes).batches[0].getChild('labels')!.data[0].children[0].values as Int32Array;
    bytes.writeInt32LE(7, labels.byteOffset - bytes.byteOffset);
    await writeFile(path, bytes);
    const { problems } = await verifyShards(outputDir);
    expect(problems.map(({ check, found }) => `${check}: ${found}`)).toContain('labels: 7 at place 0');
  });

  it.each([
    [{ packing: 'concatenate' as const }, 'packing: concatenate would cut conversations'],
    [
      { fillInTheMiddle: { rate: 1, spmRate: 0, prefixToken: 'a', middleToken: 'b', suffixToken: 'c' } },
      'conversations cannot be rearranged by fillInTheMiddle',
    ],
    [
      { conversations: { tooLong: 'drop' as const, train: 'all' as const, template: 'none.jinja' } },
      'no chat template',
    ],
  ])('refuse %j', async (options, message) => {
    const run = runShards({
      dir: temporaryFolder(),
      parts: [[talk('t', 'a', 'b')]],
      tokenizer,
      options: { conversations: { tooLong: 'drop', train: 'all' }, ...options },
    });
    await expect(run).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) });
  });

  it('refuses a document that holds none, naming it', async () => {
    const run = runShards({
      dir: temporaryFolder(),
      parts: [[{ id: 'plain text', text: 'abc', meta: {} }]],
      tokenizer,
      options: { conversations: { tooLong: 'drop', train: 'all' } },
    });
    await expect(run).rejects.toMatchObject({ code: 'INPUT_CORRUPT', message: expect.stringContaining('plain text') });
  });
});

describe('encodeConversations', () => {
  it('refuses labels that are neither the token nor -100', () => {
    const encode: ConversationEncoder = () => ({ ids: Uint32Array.of(5, 6), labels: Int32Array.of(-100, 7) });
    const settings = { contextLength: 8, type: 'uint16', tooLong: 'drop' } as const;
    expect(() => encodeConversations([talk('t', 'a', 'b')], encode, settings)).toThrow(/t: label 7 at the token 6/);
  });
});
