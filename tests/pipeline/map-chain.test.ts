import { describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { CorpusmillError } from '../../src/core/errors.ts';
import { drop, KEEP, type MapStage } from '../../src/core/stage.ts';
import { createMapChain } from '../../src/pipeline/map-chain.ts';

const document = (id: string, text: string): Document => ({ id, text, meta: { source: 'test' } });

const shorten: MapStage = {
  process(doc) {
    if (doc.text.length > 5) doc.text = doc.text.slice(0, 5);
    return KEEP;
  },
};
const noDigits: MapStage = { process: (doc) => (/\d/.test(doc.text) ? drop('digits', 1, 0) : KEEP) };
const splitLines: MapStage = {
  process: (doc) => ({
    action: 'split',
    documents: doc.text.split('\n').map((text, i) => ({ id: `${doc.id}.${i}`, text, meta: doc.meta })),
  }),
};
const throwing: MapStage = {
  process(doc) {
    if (doc.text === 'boom') throw new Error('no such word');
    return KEEP;
  },
};

function run(stages: Record<string, MapStage>, documents: Document[]) {
  const kept: [string, string, number][] = [];
  const failed: [string, string, string][] = [];
  const names = Object.keys(stages);
  const chain = createMapChain(
    names.map((name) => ({ name, definition: { name: `test.${name}` } })),
    Object.values(stages),
    1,
    {
      keep: (doc, bytes) => kept.push([doc.id, doc.text, bytes]),
      failed: (doc, stage, error) => failed.push([doc.id, stage, (error as Error).message]),
    },
  );
  for (const doc of documents) chain.push(doc, Buffer.byteLength(doc.text));
  return { kept, failed, stages: chain.stages };
}

describe('map chain', () => {
  it('counts documents and UTF-8 bytes into and out of every stage', () => {
    const { kept, stages } = run({ shorten, noDigits }, [
      document('a', '汉字汉字汉字'),
      document('b', 'x1'),
      document('c', 'yes'),
    ]);
    expect(kept).toEqual([
      ['a', '汉字汉字汉', 15],
      ['c', 'yes', 3],
    ]);
    expect(stages[0]).toMatchObject({
      changed: 1,
      input: { documents: 3, bytes: 23 },
      output: { documents: 3, bytes: 20 },
    });
    expect(stages[1]).toMatchObject({
      stage: 'test.noDigits',
      input: { documents: 3, bytes: 20 },
      output: { documents: 2, bytes: 18 },
      dropped: { digits: { documents: 1, bytes: 2 } },
    });
    expect(stages[1].samples['digits']).toMatchObject([
      { id: 'b', excerpt: 'x1', value: 1, threshold: 0, source: 'test' },
    ]);
  });

  it('sends the pieces of a split document through the stages behind the split, in order', () => {
    const { kept, stages } = run({ splitLines, noDigits }, [document('a', 'one\n2\nthree')]);
    expect(kept.map(([id]) => id)).toEqual(['a.0', 'a.2']);
    expect(stages[0]).toMatchObject({
      added: 2,
      input: { documents: 1, bytes: 11 },
      output: { documents: 3, bytes: 9 },
    });
    expect(stages[1].dropped).toEqual({ digits: { documents: 1, bytes: 1 } });
  });

  it('drops and reports a document on which a stage throws, and goes on', () => {
    const { kept, failed, stages } = run({ throwing }, [document('a', 'boom'), document('b', 'fine')]);
    expect(kept.map(([id]) => id)).toEqual(['b']);
    expect(failed).toEqual([['a', 'throwing', 'no such word']]);
    expect(stages[0].dropped).toEqual({ 'stage failed': { documents: 1, bytes: 4 } });
  });

  it('lets a user-facing error end the run', () => {
    const fatal: MapStage = {
      process() {
        throw new CorpusmillError('CONFIG_INVALID', 'word list missing');
      },
    };
    expect(() => run({ fatal }, [document('a', 'x')])).toThrow('word list missing');
  });

  it('cuts no surrogate pair in a sampled excerpt', () => {
    const text = `${'a'.repeat(599)}😀 1`;
    const { stages } = run({ noDigits }, [document('a', text)]);
    expect(stages[0].samples['digits'][0].excerpt.isWellFormed()).toBe(true);
  });
});
