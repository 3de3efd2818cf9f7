import { describe, expect, it } from 'vitest';
import { storedDocument, textBytes, textOf, textString, textUnits } from '../../src/core/stored-text.ts';

const bytes = Buffer.from('..naïve 語 😀!..');
const stored = { bytes, start: 2, end: bytes.length - 2, units: 'naïve 語 😀!'.length };

describe('a stored text', () => {
  it('says of itself what its string says', () => {
    expect(textString(stored)).toBe('naïve 語 😀!');
    expect(textUnits(stored)).toBe(11);
    expect(textBytes(stored)).toBe(Buffer.byteLength('naïve 語 😀!'));
    expect([textString('é'), textUnits('é'), textBytes('é')]).toEqual(['é', 1, 2]);
    expect(textString({ bytes, start: 2, end: 4, units: 2 })).toBe('na');
  });
});

describe('a document with a stored text', () => {
  it('is one like any other to whoever copies, lists or sends it', () => {
    const document = storedDocument('a', stored, { source: 'web' });
    const plain = { id: 'a', text: 'naïve 語 😀!', meta: { source: 'web' } };
    expect(Object.keys(document)).toEqual(['id', 'text', 'meta']);
    expect({ ...document }).toEqual(plain);
    expect(JSON.stringify(document)).toBe(JSON.stringify(plain));
    expect(structuredClone(document)).toEqual(plain);
  });

  it('has its bytes until another text is assigned, and copies of it have a string', () => {
    const document = storedDocument('a', stored, {});
    expect(textOf(document)).toBe(stored);
    expect(document.text).toBe('naïve 語 😀!');
    expect(textOf(document)).toBe(stored);
    expect(textOf({ ...document })).toBe('naïve 語 😀!');
    document.text = 'naïve 語 😀!';
    expect(textOf(document)).toBe(stored);
    document.text = 'other';
    expect([document.text, textOf(document)]).toEqual(['other', 'other']);
  });

  it('may be given another text before its own was read', () => {
    const document = storedDocument('a', stored, {});
    document.text = '';
    expect([document.text, textOf(document)]).toEqual(['', '']);
  });
});
