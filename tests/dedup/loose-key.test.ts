import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { createExactObserver } from '../../src/dedup/exact.ts';
import { normalizeLoosely } from '../../src/dedup/loose-key.ts';
import { describeWithShared, shared } from '../shared.ts';
import { readJsonlGz } from './context.ts';
import { expectSameOfRows, textsOfAllUnits } from './rows-like-documents.ts';

const create = () => createExactObserver({ by: 'text', normalize: 'loose', keep: 'first' });

describe.skipIf(native === undefined)('loose keys of rows', () => {
  it('are those of documents, for every character of the basic plane and pictures', () => {
    expectSameOfRows(create, textsOfAllUnits(), 1000);
  });

  it('are those of documents, whatever the texts', () => {
    const unit = fc.oneof(
      fc.constantFrom(...'aAÅé \t\n\r\x1c\x1f\x85\xa0\u2003\u3000\ufeff\u0301\u0345ΣςϹｶﾞ가가ﬁ½Ⅷ中😀\u{1d400}İẞ'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
    );
    const text = fc.array(unit, { maxLength: 12 }).map((units) => units.join('').toWellFormed());
    fc.assert(
      fc.property(fc.array(text, { maxLength: 12 }), fc.integer({ min: 1, max: 12 }), (texts, rows) =>
        expectSameOfRows(create, texts, rows),
      ),
      { numRuns: 1000 },
    );
  });

  it('differ where the texts do', () => {
    const texts = ['a b', ' Ａ\u00a0\n B ', 'a  c', 'ab', ''];
    const keys = texts.map((text) => {
      const observer = create();
      const bytes = Buffer.from(text);
      observer.observeTexts?.({ bytes, offsets: Int32Array.of(0, bytes.length), from: 0, to: 1 });
      return Buffer.from(observer.finish()).subarray(16, 32).toString('hex');
    });
    expect(keys[1]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(4);
    expect(texts.map(normalizeLoosely)).toEqual(['a b', 'a b', 'a c', 'ab', '']);
  });
});

describeWithShared('loose keys of web-mix', () => {
  it('are those of documents', () => {
    const texts = readJsonlGz<{ text: string }>(shared('data/web-mix.jsonl.gz')).map(({ text }) => text.toWellFormed());
    expectSameOfRows(create, texts, 100);
  });
});
