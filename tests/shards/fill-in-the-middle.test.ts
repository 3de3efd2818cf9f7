import { beforeAll, describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { encodeDocuments } from '../../src/shards/encode-step.ts';
import type { Encoding } from '../../src/shards/encoding.ts';
import { encodeWithFim, type FimSettings, fimCuts } from '../../src/shards/fill-in-the-middle.ts';
import { readShardRows } from '../../src/shards/inspect.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { BOS, EOS, PAD, runShards, someParts, writeByteTokenizer } from './context.ts';

const PREFIX = 300;
const MIDDLE = 301;
const SUFFIX = 302;
const marks = {
  prefix: { token: 'p', id: PREFIX },
  middle: { token: 'm', id: MIDDLE },
  suffix: { token: 's', id: SUFFIX },
};
const documents = someParts(41, [600], 60)[0].filter(({ text }) => text.length > 0);

let encoding: Encoding;
let path: string;
beforeAll(async () => {
  path = await writeByteTokenizer(temporaryFolder());
  encoding = {
    tokenizer: await Tokenizer.fromFile(path),
    tokenizerFiles: new Map(),
    type: 'uint16',
    bos: { token: '<|bos|>', id: BOS },
    eos: { token: '<|endoftext|>', id: EOS },
    pad: { token: '<|endoftext|>', id: EOS },
    fim: marks,
    conversation: undefined,
  };
});

const settings = (rate: number, spmRate: number, seed = 1): FimSettings => ({ rate, spmRate, seed });

/** Tokens of each document. */
function encoded(given: readonly Document[], chosen: FimSettings): number[][] {
  const { encoded: result } = encodeWithFim(given, encoding, marks, chosen, encodeDocuments);
  expect(result.ids).toEqual(given.map(({ id }) => id));
  let at = 0;
  return [...result.lengths].map((length) => [...result.tokens.subarray(at, (at += length))]);
}

const text = (ids: readonly number[]) => Buffer.from(ids).toString();

describe('fill in the middle', () => {
  it('as prefix, suffix, middle holds the document between its marks', () => {
    for (const [d, tokens] of encoded(documents, settings(1, 0)).entries()) {
      expect(tokens.slice(0, 2)).toEqual([BOS, PREFIX]);
      expect(tokens.at(-1)).toBe(EOS);
      const suffixAt = tokens.indexOf(SUFFIX);
      const middleAt = tokens.indexOf(MIDDLE);
      const [prefix, suffix] = [tokens.slice(2, suffixAt), tokens.slice(suffixAt + 1, middleAt)];
      const middle = tokens.slice(middleAt + 1, -1);
      expect(text([...prefix, ...middle, ...suffix])).toBe(documents[d].text);
      // Each part is whole characters.
      for (const part of [prefix, middle, suffix]) expect(text(part)).not.toContain('\ufffd');
    }
  });

  it('as suffix, prefix, middle puts prefix and middle behind the middle mark', () => {
    for (const [d, tokens] of encoded(documents, settings(1, 1)).entries()) {
      expect(tokens.slice(0, 3)).toEqual([BOS, PREFIX, SUFFIX]);
      const middleAt = tokens.indexOf(MIDDLE);
      expect(text([...tokens.slice(middleAt + 1, -1), ...tokens.slice(3, middleAt)])).toBe(documents[d].text);
    }
  });

  it('leaves documents as they are at rate 0', () => {
    const plain = encodeDocuments(documents, encoding);
    expect(encoded(documents, settings(0, 0.5)).flat()).toEqual([...plain.tokens]);
  });

  it('rearranges the asked share, half of it suffix first, and cuts anywhere', () => {
    const many = Array.from({ length: 4000 }, (_, i) => ({ id: `d${i}`, text: 'x'.repeat(99), meta: {} }));
    const cuts = many.map((document) => fimCuts(document, settings(0.7, 0.5)));
    const made = cuts.filter((cut) => cut !== undefined);
    // Five standard deviations of a binomial.
    expect(Math.abs(made.length - 2800)).toBeLessThan(5 * Math.sqrt(4000 * 0.21));
    const first = made.filter(({ suffixFirst }) => suffixFirst).length;
    expect(Math.abs(first - made.length / 2)).toBeLessThan(5 * Math.sqrt(made.length / 4));
    // Of two even draws from 0 … 99 the smaller is 33 in the mean, the larger 66.
    const mean = (of: (cut: { from: number; to: number }) => number) =>
      made.reduce((sum, cut) => sum + of(cut), 0) / made.length;
    expect(mean(({ from }) => from)).toBeCloseTo(33, -0.5);
    expect(mean(({ to }) => to)).toBeCloseTo(66, -0.5);
    expect(Math.min(...made.map(({ from }) => from))).toBe(0);
    expect(Math.max(...made.map(({ to }) => to))).toBe(99);
  });

  it('draws by seed and document id, whatever stands beside', () => {
    const whole = documents.map((document) => fimCuts(document, settings(0.5, 0.5)));
    expect(encoded(documents.slice(7, 8), settings(0.5, 0.5))[0]).toEqual(encoded(documents, settings(0.5, 0.5))[7]);
    expect(documents.map((document) => fimCuts(document, settings(0.5, 0.5, 2)))).not.toEqual(whole);
  });

  it('does not cut surrogate pairs', () => {
    for (let i = 0; i < 200; i++) {
      const cut = fimCuts({ id: `d${i}`, text: '🌾🌾🌾' }, settings(1, 0));
      expect([cut!.from % 2, cut!.to % 2]).toEqual([0, 0]);
    }
  });

  it('is an option of the stage, with tokens of the tokenizer', async () => {
    const dir = temporaryFolder();
    const options = {
      contextLength: 64,
      appendEos: false,
      fillInTheMiddle: {
        rate: 1,
        spmRate: 0,
        prefixToken: '<|bos|>',
        middleToken: '<|pad|>',
        suffixToken: '<|endoftext|>',
      },
    };
    const parts = [[{ id: 'a', text: 'one document', meta: {} }]];
    const { outputDir, report } = await runShards({ dir, parts, tokenizer: path, options });
    expect(report).toMatchObject({ rearranged: 1, tokens: 15, bytesPerToken: 1 });
    const { rows, manifest } = await readShardRows(outputDir);
    const tokens = [...rows[0].pieces[0].tokens];
    expect(tokens[0]).toBe(BOS);
    expect(tokens.filter((id) => id > 255)).toEqual([BOS, EOS, PAD]);
    expect(manifest?.fillInTheMiddle).toMatchObject({ rate: 1, documents: 1, prefix: { token: '<|bos|>', id: BOS } });
    await expect(
      runShards({
        dir,
        parts,
        tokenizer: path,
        options: { ...options, fillInTheMiddle: { ...options.fillInTheMiddle, middleToken: '<|m|>' } },
      }),
    ).rejects.toThrow(/no special token "<\|m\|>"/);
  });
});
