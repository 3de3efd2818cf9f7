import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { cutRange } from '../../../src/core/columns.ts';
import type { Document } from '../../../src/core/document.ts';
import type { BarrierContext, FeaturePart } from '../../../src/core/stage.ts';
import { columnOf } from '../../../src/core/utf8-column.ts';
import type { Change, ComparisonDetails } from '../../../src/dedup/compare/comparison.ts';
import { compare } from '../../../src/dedup/compare/stage.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

interface Given {
  id?: string;
  text: string;
}

interface Compared {
  details: ComparisonDetails;
  list: { change: Change; a?: string; b?: string; side?: string }[];
  /** Documents of either side by change, as `a/b`. */
  counts: Partial<Record<Change, string>>;
}

/** Compares two lists of documents; those without an id get one as a reader makes it up. */
async function compareTexts(
  a: readonly Given[],
  b: readonly Given[],
  options: Record<string, unknown> = {},
  { partRows = 1000, memoryBytes = 2 ** 26 } = {},
): Promise<Compared> {
  const folder = mkdtempSync(join(tmpdir(), 'corpusmill-compare-'));
  folders.push(folder);
  const made = (source: string, given: readonly Given[]): Document[] =>
    given.map(({ id, text }, i) => ({ id: id ?? `${source}/x.jsonl#${100 * i}`, text, meta: { source, n: i } }));
  const documents = [...made('a', a), ...made('b', b)];
  const parsed = compare.options.parse(options);
  const stage = { name: 'compare', seed: 7, baseDir: folder };
  const parts: FeaturePart[] = [];
  const sides = [documents.slice(0, a.length), documents.slice(a.length)];
  let firstOrdinal = 0;
  // A part holds documents of one input, as those of the engine do.
  for (const [input, side] of sides.entries()) {
    for (let at = 0; at < side.length; at += partRows) {
      const own = side.slice(at, at + partRows);
      const observer = compare.createObserver(parsed, stage);
      for (const document of own) observer.observe(document);
      const blob = observer.finish();
      parts.push({
        part: parts.length,
        rows: own.length,
        firstOrdinal,
        alive: undefined,
        features: async (range) => cutRange(blob, range),
        rowInfo: async () => Uint32Array.from(own.flatMap(({ text }) => [Buffer.byteLength(text), input])),
      });
      firstOrdinal += own.length;
    }
  }
  const context: BarrierContext = {
    ...stage,
    parts,
    rows: documents.length,
    inputs: ['a', 'b'],
    outputDir: folder,
    workDir: folder,
    memoryBytes,
    readDocuments: async (ordinals) => ordinals.map((ordinal) => documents[ordinal]),
    readTexts: async (ordinals) => ordinals.map((ordinal) => documents[ordinal].text),
    withTexts: async (part, use) => {
      const { firstOrdinal, rows } = parts[part];
      use(columnOf(documents.slice(firstOrdinal, firstOrdinal + rows).map(({ text }) => text)));
    },
    progress: () => {},
    signal: new AbortController().signal,
  };
  const { details } = await compare.decide(parsed, context);
  const list = parsed.list === false ? '' : readFileSync(join(folder, 'changes.jsonl'), 'utf8');
  const compared = details as ComparisonDetails;
  const counts: Compared['counts'] = {};
  for (const [change, { a, b }] of Object.entries(compared.changes)) {
    if (a.documents + b.documents > 0) counts[change as Change] = `${a.documents}/${b.documents}`;
  }
  return {
    details: compared,
    list: list
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line)),
    counts,
  };
}

/** Sixty words that no other number shares. */
function words(n: number, count = 60): string {
  return Array.from({ length: count }, (_, i) => `w${n}x${i}`).join(' ');
}

describe('the verdict on a document', () => {
  it('is unchanged for the same text under the same id', async () => {
    const { counts, list } = await compareTexts([{ id: '1', text: words(1) }], [{ id: '1', text: words(1) }]);
    expect([counts, list]).toEqual([{ unchanged: '1/1' }, []]);
  });

  it('is renamed for the same text under another id', async () => {
    const { counts, list } = await compareTexts([{ id: '1', text: words(1) }], [{ id: '2', text: words(1) }]);
    expect([counts, list]).toEqual([{ renamed: '1/1' }, [{ change: 'renamed', a: '1', b: '2' }]]);
  });

  it('is changed for another text under the same id, however unlike the text is', async () => {
    const { counts, list } = await compareTexts([{ id: '1', text: words(1) }], [{ id: '1', text: words(2) }]);
    expect([counts, list]).toEqual([{ changed: '1/1' }, [{ change: 'changed', a: '1', b: '1' }]]);
  });

  it('is near for a near-copy under another id', async () => {
    const { counts, list } = await compareTexts([{ id: '1', text: words(1) }], [{ id: '2', text: `${words(1)} end` }]);
    expect(counts).toEqual({ near: '1/1' });
    expect(list).toEqual([
      { change: 'near', a: '1', b: '2', side: 'a' },
      { change: 'near', a: '1', b: '2', side: 'b' },
    ]);
  });

  it('is near for a further copy of a document that is unchanged itself', async () => {
    const a = [{ id: '1', text: words(1) }];
    const b = [...a, { id: '2', text: `${words(1)} end` }];
    const { counts, list } = await compareTexts(a, b);
    expect(counts).toEqual({ unchanged: '1/1', near: '0/1' });
    expect(list).toEqual([{ change: 'near', a: '1', b: '2', side: 'b' }]);
  });

  it('is removed or new for anything else', async () => {
    const { counts, list } = await compareTexts([{ id: '1', text: words(1) }], [{ id: '2', text: words(2) }]);
    expect(counts).toEqual({ removed: '1/0', new: '0/1' });
    expect(list).toEqual([
      { change: 'removed', a: '1' },
      { change: 'new', b: '2' },
    ]);
  });

  it('ties equal texts in pairs: of three against two one is removed', async () => {
    const same = (id: string): Given => ({ id, text: words(1) });
    const { counts } = await compareTexts([same('1'), same('2'), same('3')], [same('4'), same('2')], { near: false });
    expect(counts).toEqual({ unchanged: '1/1', renamed: '1/1', removed: '1/0' });
  });

  it('goes by the text alone where ids were made up from the place in a file', async () => {
    const a = [{ text: words(1) }, { text: words(2) }, { text: words(3) }];
    const b = [{ text: words(2) }, { text: words(1) }, { text: words(4) }];
    const { counts } = await compareTexts(a, b);
    expect(counts).toEqual({ unchanged: '2/2', removed: '1/0', new: '0/1' });
  });

  it('looks past case and white space with `normalize: loose`', async () => {
    const [a, b] = [[{ id: '1', text: 'One  line\n' }], [{ id: '1', text: 'one line' }]];
    expect((await compareTexts(a, b)).counts).toEqual({ changed: '1/1' });
    expect((await compareTexts(a, b, { normalize: 'loose' })).counts).toEqual({ unchanged: '1/1' });
  });

  it('is never near with `near: false`', async () => {
    const [a, b] = [[{ id: '1', text: words(1) }], [{ id: '2', text: `${words(1)} end` }]];
    expect((await compareTexts(a, b, { near: false })).counts).toEqual({ removed: '1/0', new: '0/1' });
  });
});

describe('a comparison', () => {
  it('of a corpus with nothing calls everything removed, and the other way round new', async () => {
    const corpus = [1, 2, 3].map((n) => ({ id: String(n), text: words(n) }));
    expect((await compareTexts(corpus, [])).counts).toEqual({ removed: '3/0' });
    expect((await compareTexts([], corpus)).counts).toEqual({ new: '0/3' });
    expect((await compareTexts([], [])).counts).toEqual({});
  });

  it('shows both texts from a little before their first difference', async () => {
    const long = words(1, 500);
    const { details } = await compareTexts(
      [{ id: '1', text: `${long} old end` }],
      [{ id: '1', text: `${long} new end` }],
    );
    const [example] = details.examples.changed!;
    expect(example.skipped).toBe(long.length + 1 - 80);
    expect(example.a).toMatchObject({ id: '1', bytes: long.length + 8 });
    expect(example.a!.excerpt).toBe(`${long.slice(1 - 80)} old end`);
    expect(example.b!.excerpt).toBe(`${long.slice(1 - 80)} new end`);
  });

  it('counts bytes of UTF-8', async () => {
    const { details } = await compareTexts([{ id: '1', text: '中文' }], [{ id: '2', text: 'é' }]);
    expect(details.total).toEqual({ a: { documents: 1, bytes: 6 }, b: { documents: 1, bytes: 2 } });
    expect(details.changes.removed.a.bytes).toBe(6);
    expect(details.changes.new.b.bytes).toBe(2);
  });

  it('gives every document one verdict, as comparing all with all does', async () => {
    // Small alphabets of ids and texts, so that every kind of pair occurs.
    const given = fc.record({ id: fc.constantFrom('1', '2', '3', '4'), n: fc.integer({ min: 1, max: 4 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(given, { maxLength: 8 }), fc.array(given, { maxLength: 8 }), async (a, b) => {
        const texts = (side: typeof a) => side.map(({ id, n }) => ({ id, text: words(n) }));
        const { counts } = await compareTexts(texts(a), texts(b), { near: false });
        expect(counts).toEqual(expected(a, b));
      }),
      { numRuns: 60 },
    );
  });

  it('does not depend on parts or memory', async () => {
    const side = (from: number) =>
      Array.from({ length: 300 }, (_, i) => ({ id: `d${i}`, text: i % 7 === from ? words(1000 + i) : words(i % 200) }));
    const whole = await compareTexts(side(1), side(2));
    const cut = await compareTexts(side(1), side(2), {}, { partRows: 17, memoryBytes: 1 << 14 });
    expect(cut).toEqual(whole);
    expect(whole.counts.changed).toBeDefined();
  });
});

/** The first three verdicts by hand: pairs are taken out of two lists. */
function expected(a: { id: string; n: number }[], b: { id: string; n: number }[]): Partial<Record<Change, string>> {
  const [left, right] = [[...a], [...b]];
  const take = (same: (x: (typeof a)[0], y: (typeof a)[0]) => boolean): number => {
    let pairs = 0;
    for (let i = 0; i < left.length; ) {
      const j = right.findIndex((other) => same(left[i], other));
      if (j === -1) i++;
      else {
        left.splice(i, 1);
        right.splice(j, 1);
        pairs++;
      }
    }
    return pairs;
  };
  const unchanged = take((x, y) => x.id === y.id && x.n === y.n);
  const renamed = take((x, y) => x.n === y.n);
  const changed = take((x, y) => x.id === y.id);
  const counts: Partial<Record<Change, string>> = {};
  for (const [change, pairs] of Object.entries({ unchanged, renamed, changed })) {
    if (pairs > 0) counts[change as Change] = `${pairs}/${pairs}`;
  }
  if (left.length > 0) counts.removed = `${left.length}/0`;
  if (right.length > 0) counts.new = `0/${right.length}`;
  return counts;
}
