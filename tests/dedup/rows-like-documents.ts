import { expect } from 'vitest';
import type { Observer } from '../../src/core/stage.ts';
import { columnOf } from '../../src/core/utf8-column.ts';

/** Holds that an observer leaves the same of texts as documents, one by one, and as rows of a column, in blocks of `rows`; needs the add-on. */
export function expectSameOfRows(create: () => Observer, texts: readonly string[], rows = 7): void {
  const singly = create();
  for (const text of texts) singly.observe({ id: '', text, meta: {} });
  const inBlocks = create();
  const column = columnOf(texts);
  for (let from = 0; from < texts.length; from += rows) {
    inBlocks.observeTexts?.({ ...column, from, to: Math.min(from + rows, texts.length) });
  }
  expect(Buffer.compare(inBlocks.finish(), singly.finish())).toBe(0);
}

/** Each character of the basic plane, and of pictures and what is about them, beside letters, spaces and itself: a few a text. */
export function textsOfAllUnits(): string[] {
  const texts: string[] = [];
  for (let codePoint = 0; codePoint < 0x20000; codePoint++) {
    if ((codePoint & 0xf800) === 0xd800 || (codePoint >= 0x10000 && codePoint < 0x1f000)) continue;
    const character = String.fromCodePoint(codePoint);
    texts.push(`${character}Ab${character} ${character}${character}\n  ${character}Z zy 9${character}`);
  }
  return texts;
}
