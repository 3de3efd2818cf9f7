import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decontaminate } from '../../../src/filters/decontaminate/decontaminate.ts';
import { createPattern } from '../../../src/filters/decontaminate/lcs.ts';
import { stageOf } from '../process.ts';

let dir: string;
let files = 0;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'corpusmill-decontaminate-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

function write(name: string, content: string | Buffer): string {
  const path = join(dir, `${files++}-${name}`);
  writeFileSync(path, content);
  return path;
}
const jsonl = (...items: unknown[]): string =>
  write('items.jsonl', `${items.map((item) => JSON.stringify(item)).join('\n')}\n`);
/** `prefix0 prefix1 …`: words that occur nowhere else. */
const words = (prefix: string, count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${from + i}`);
const noise = (seed: string, count = 40): string => words(seed, count).join(' ');

/** Longest common subsequence by the textbook's table: the independent judge. */
function slowLcs(a: readonly unknown[], b: readonly unknown[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    const next = [0];
    for (let j = 0; j < b.length; j++) next.push(x === b[j] ? row[j] + 1 : Math.max(row[j + 1], next[j]));
    row = next;
  }
  return row[b.length];
}

describe('filter.decontaminate, n-gram rule', () => {
  const judge = (item: string, options: object = {}) =>
    stageOf(decontaminate, { benchmarks: { bench: jsonl({ question: item }) }, ...options });

  it('finds 13 tokens in a row and not 12', () => {
    const item = words('q', 30);
    const stage = judge(item.join(' '));
    expect(stage(`${noise('x')} ${item.slice(5, 17).join(' ')} ${noise('y')}`).verdict).toBe('keep');
    const { verdict, value, threshold } = stage(`${noise('x')} ${item.slice(5, 18).join(' ')} ${noise('y')}`);
    expect([verdict, value, threshold]).toEqual(['contaminated:bench', 13, 13]);
  });

  it('finds them at either end of the document and of the item, and tells how long the run is', () => {
    const item = words('q', 20);
    const stage = judge(item.join(' '));
    expect(stage(item.slice(0, 13).join(' ')).value).toBe(13);
    expect(stage(`${noise('x')} ${item.slice(4).join(' ')}`).value).toBe(16);
    expect(stage(`${item.join(' ')} ${noise('x')}`).value).toBe(20);
  });

  it('looks past case, punctuation, white space and full-width forms', () => {
    const stage = judge('Natalia sold clips to 48 of her friends in April, and then she sold half as many in May.');
    expect(stage('… NATALIA sold\nclips -- to "４８" of her friends: in April! and then she…').verdict).toBe(
      'contaminated:bench',
    );
    expect(stage('Natalia sold clips to 49 of her friends in April and then she sold none.').verdict).toBe('keep');
  });

  it('counts a Chinese character as a token', () => {
    const item = '春眠不觉晓处处闻啼鸟夜来风雨声花落知多少';
    const stage = judge(item);
    expect(stage(`他念道：${item.slice(3, 15)}。然后走了`).verdict).toBe('keep');
    expect(stage(`他念道：${item.slice(3, 8)}，${item.slice(8, 16)}。然后走了`).verdict).toBe('contaminated:bench');
  });

  it('searches for shorter texts whole, where asked', () => {
    const item = words('q', 9);
    expect(() => judge(item.join(' '))).toThrow(/^benchmarks\.bench: no text in it has 13 tokens or more$/);
    const stage = judge(item.join(' '), { shortItemTokens: 8 });
    expect(stage(`${noise('x')} ${item.join(' ')} ${noise('y')}`).value).toBe(9);
    expect(stage(`${noise('x')} ${item.slice(0, 8).join(' ')} ${noise('y')}`).verdict).toBe('keep');
  });

  it('does not search for what many items begin with', () => {
    const prompt = words('prompt', 15).join(' ');
    const items = Array.from({ length: 10 }, (_, i) => ({ question: `${prompt} ${words(`q${i}x`, 15).join(' ')}` }));
    const stage = stageOf(decontaminate, { benchmarks: { bench: jsonl(...items) }, maxItemsPerNgram: 9 });
    expect(stage(prompt).verdict).toBe('keep');
    expect(stage(`${prompt} ${words('q3x', 13).join(' ')}`).verdict).toBe('contaminated:bench');
  });

  it('does not search for what is numbers by more than half', () => {
    const digits = Array.from({ length: 20 }, (_, i) => i + 1).join(' ');
    const stage = judge(`List the numbers from one to twenty, please, in their usual order: ${digits}`);
    expect(stage(`Calendar: ${digits}`).verdict).toBe('keep');
    expect(stage('to twenty please in their usual order 1 2 3 4 5 6').verdict).toBe('contaminated:bench');
  });

  it('agrees with a search for joined tokens on random texts of few words', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 4, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), text, (items, document) => {
        const stage = stageOf(decontaminate, {
          benchmarks: { bench: jsonl(...items.map((item) => ({ text: item.join(' ') }))) },
          ngram: 4,
        });
        const grams = (tokens: string[]): string[] => tokens.slice(3).map((_, i) => tokens.slice(i, i + 4).join(' '));
        const own = new Set(grams(document));
        const wanted = items.flatMap((item, i) => (grams(item).some((gram) => own.has(gram)) ? [String(i + 1)] : []));
        const { document: marked } = stageOf(decontaminate, {
          benchmarks: { bench: jsonl(...items.map((item) => ({ text: item.join(' ') }))) },
          ngram: 4,
          action: 'annotate',
        })(document.join(' '));
        const found = (marked.meta['decontaminate'] as { items: string[] } | undefined)?.items ?? [];
        expect(found.map((name) => name.replace('bench: ', '')).sort()).toEqual(wanted.sort());
        expect(stage(document.join(' ')).verdict).toBe(wanted.length > 0 ? 'contaminated:bench' : 'keep');
      }),
      { numRuns: 200 },
    );
  });
});

describe('filter.decontaminate, rule of the Qwen2.5 report', () => {
  const judge = (item: string, options: object = {}) =>
    stageOf(decontaminate, { benchmarks: { bench: jsonl({ question: item }) }, rule: 'lcs', ...options });

  it('drops at .60 of the shorter text and keeps at .59', () => {
    const item = words('q', 100);
    // Runs of 6 tokens of the item with one foreign token between: 60 or 59 of 100.
    const copy = (tokens: number): string =>
      item
        .slice(0, tokens)
        .map((word, i) => (i % 6 === 5 ? `${word} x${i}` : word))
        .join(' ');
    const stage = judge(item.join(' '));
    expect(stage(`${copy(59)} ${noise('y', 90)}`).verdict).toBe('keep');
    const { verdict, value, threshold } = stage(`${copy(60)} ${noise('y', 90)}`);
    expect([verdict, value, threshold]).toEqual(['contaminated:bench', 0.6, 0.6]);
  });

  it('takes 13 common tokens and not 12, however short the texts are', () => {
    const item = words('q', 14);
    const stage = judge(item.join(' '));
    expect(stage(item.slice(0, 12).join(' ')).verdict).toBe('keep');
    expect(stage(item.slice(0, 13).join(' ')).verdict).toBe('contaminated:bench');
  });

  it('measures by the document where that is the shorter', () => {
    const item = words('q', 200);
    const stage = judge(item.join(' '));
    // 13 of 21 tokens, 13 of 22.
    expect(stage(`${item.slice(50, 63).join(' ')} ${noise('x', 8)}`).value).toBeCloseTo(13 / 21);
    expect(stage(`${item.slice(50, 63).join(' ')} ${noise('x', 9)}`).verdict).toBe('keep');
  });

  it('counts Chinese by character', () => {
    const item = '床前明月光疑是地上霜举头望明月低头思故乡';
    const stage = judge(item);
    // 13 of 20 in order, others put in between.
    expect(stage('床前明月光啊疑是地上霜哦举头望了又回来看').verdict).toBe('contaminated:bench');
    expect(stage('床前明月光啊疑是地上霜哦举头了又回来看看').verdict).toBe('keep');
  });

  it('finds an edited copy in the middle of a long document, at every place', () => {
    const item = words('q', 40);
    const edited = item.map((word, i) => (i % 9 === 8 ? 'edited' : word)).join(' ');
    const stage = judge(item.join(' '));
    for (let before = 0; before < 300; before += 7) {
      const document = `${noise('x', before)} ${edited} ${noise('y', 1000)}`;
      expect(stage(document).value, `after ${before} tokens`).toBe(0.9);
    }
  });

  it('does not add up common words over a long document', () => {
    const item = words('q', 20);
    // One run of five as a seed, and all words of the item in order over 2,000 tokens.
    const spread = item.map((word, i) => (i < 5 ? word : `${noise(`n${i}`, 100)} ${word}`)).join(' ');
    expect(judge(item.join(' '))(spread).verdict).toBe('keep');
    expect(judge(item.join(' '), { windowItems: null })(spread).verdict).toBe('contaminated:bench');
  });

  it('decides as the textbook algorithm does on every document no longer than a stretch', () => {
    const token = fc.constantFrom(...words('w', 12));
    fc.assert(
      fc.property(
        fc.array(token, { minLength: 13, maxLength: 60 }),
        fc.array(token, { minLength: 1, maxLength: 60 }),
        (item, document) => {
          const common = slowLcs(item, document);
          const share = common / Math.min(item.length, document.length);
          const seeded = document.some((word, i) =>
            item.some((other, j) => word === other && document[i + 1] !== undefined && document[i + 1] === item[j + 1]),
          );
          const wanted = common >= 13 && share >= 0.6 && seeded && document.length <= 2.5 * item.length;
          const { verdict, value } = judge(item.join(' '), { seedTokens: 2 })(document.join(' '));
          if (document.length > 2.5 * item.length) return;
          expect(verdict).toBe(wanted ? 'contaminated:bench' : 'keep');
          if (wanted) expect(value).toBe(share);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('bit-parallel longest common subsequence', () => {
  it('has the length that the textbook algorithm finds, across word borders of 32 tokens', () => {
    const tokens = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 150 });
    const pattern = createPattern();
    fc.assert(
      fc.property(tokens, tokens, (a, b) => {
        pattern.set(Int32Array.from(a), 0, a.length);
        expect(pattern.lcsWith(Int32Array.from(b), 0, b.length)).toBe(slowLcs(a, b));
      }),
      { numRuns: 500 },
    );
  });

  it('reads ranges', () => {
    const pattern = createPattern();
    pattern.set(Int32Array.of(9, 1, 2, 3, 9), 1, 4);
    expect(pattern.lcsWith(Int32Array.of(1, 2, 3, 1, 2, 3), 1, 3)).toBe(2);
  });
});

describe('filter.decontaminate, benchmark files', () => {
  const item = words('q', 15).join(' ');
  const other = words('o', 15).join(' ');

  it('reads JSONL, JSON arrays and text, plain and gzip', () => {
    const benchmarks = {
      lines: jsonl({ a: item }),
      array: write('items.json', JSON.stringify([{ a: words('r', 15).join(' ') }])),
      text: write('items.txt', `${words('s', 15).join(' ')}\n\n${words('t', 15).join(' ')}\n`),
      zipped: write('items.jsonl.gz', gzipSync(JSON.stringify({ a: other }))),
    };
    const stage = stageOf(decontaminate, { benchmarks });
    expect(stage(item).verdict).toBe('contaminated:lines');
    expect(stage(words('r', 15).join(' ')).verdict).toBe('contaminated:array');
    expect(stage(words('t', 15).join(' ')).verdict).toBe('contaminated:text');
    expect(stage(other).verdict).toBe('contaminated:zipped');
  });

  it('searches for the fields that it is told, each by itself, lists and inner fields too', () => {
    const path = jsonl({ question: item, choices: { text: [other, 'no'] }, source: words('z', 15).join(' ') });
    const stage = stageOf(decontaminate, { benchmarks: { b: { path, fields: ['question', 'choices.text'] } } });
    expect(stage(other).verdict).toBe('contaminated:b');
    expect(stage(words('z', 15).join(' ')).verdict).toBe('keep');
    expect(stageOf(decontaminate, { benchmarks: { b: path } })(words('z', 15).join(' ')).verdict).toBe(
      'contaminated:b',
    );
  });

  it('names the items hit, all that hold the text, and counts each once per document', () => {
    const path = jsonl({ id: 'one', q: item }, { id: 'two', q: other }, { id: 'three', q: item });
    const options = decontaminate.options.parse({ benchmarks: { b: { path, idField: 'id' } }, action: 'annotate' });
    const stage = decontaminate.create(options, { name: 'decontaminate', seed: 0, baseDir: '' });
    const document = { id: 'd', text: `${item} ${other} ${item}`, meta: {} };
    expect(stage.process(document).action).toBe('keep');
    expect(document.meta).toEqual({
      decontaminate: { rule: 'ngram', value: 15, items: ['b: one', 'b: three', 'b: two'] },
    });
    expect(stage.counted).toEqual(['b: one', 'b: three', 'b: two']);
    expect(stage.explain?.(document).map(({ rule }) => rule)).toEqual([
      'contaminated:b: one, b: three',
      'contaminated:b: two',
    ]);
  });

  it('says what is wrong with a file', () => {
    const create = (benchmarks: unknown) => () => stageOf(decontaminate, { benchmarks });
    expect(create({ b: 'gone.jsonl' })).toThrow('benchmarks.b: the file gone.jsonl does not exist');
    expect(create({ b: write('bad.jsonl', '{"a": 1}\n{"a"') })).toThrow(
      /^benchmarks\.b: line 2 of .*bad\.jsonl is not JSON/,
    );
    expect(create({ b: { path: jsonl({ question: item }), fields: ['prompt'] } })).toThrow(
      /^benchmarks\.b: none of the 1 items in .* has text in prompt$/,
    );
  });
});
