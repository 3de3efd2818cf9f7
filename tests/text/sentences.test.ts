import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { countSentences, sentenceStarts } from '../../src/text/sentences.ts';
import { describeWithShared, shared } from '../shared.ts';

describe('sentences by rule', () => {
  // Values from spaCy 3.8: a blank English pipeline with the sentencizer.
  it.each([
    ['', 0],
    ['No end mark', 1],
    ['One. Two! Three?', 3],
    ['Mr. Smith went to Washington. He stayed.', 2],
    ['The U.S. economy, e.g. in Jan. 2020, grew 3.5 percent.', 1],
    ['He said "Stop." Then he left.', 2],
    ['Wait... what?! Yes.', 2],
    ['The end.Next begins here.', 2],
    ['See www.example.com. It works.', 2],
    ['1. First 2. Second', 3],
    ['我来了。 他走了。', 2],
  ])('counts %j as %i', (text, sentences) => {
    expect(countSentences(text)).toBe(sentences);
  });

  it('is quick with a word of a million marks', () => {
    expect(countSentences('.'.repeat(1_000_000))).toBe(1);
    expect(countSentences('a.b'.repeat(300_000))).toBeGreaterThan(0);
  });
});

describe('where sentences begin', () => {
  it.each([
    ['', []],
    ['No end mark', [0]],
    ['One. Two! Three?', [0, 4, 9]],
    ['Mr. Smith (aged 3.5) saw a.b.com. He stayed.', [0, 33]],
    ['He said "Stop." Then he left.', [0, 15]],
    ['The end.Next begins here.', [0, 8]],
    ['Trailing marks. -- !', [0]],
    ['今天天气很好。我们去公园吧！“好。”他说。', [0, 7, 14, 18]],
    ['……再次打个招呼！', [0]],
    ['他走了。……我来了。', [0, 6]],
    ['中文。 English one. Two.', [0, 3, 16]],
  ])('of %j are %j', (line, expected) => {
    const starts: number[] = [];
    sentenceStarts(line, starts);
    // White space may stand at a start.
    const first = (at: number) => at + line.slice(at).search(/\S/);
    expect(starts.map(first)).toEqual(expected.map(first));
  });
});

describeWithShared('sentences beside spaCy', () => {
  it('counts the same on all of the 315 hand-made documents that are not empty', () => {
    const path = shared('goldens/peers/datatrove_documents.jsonl.gz');
    const lines = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
    const cases = lines.map((line) => JSON.parse(line) as { text: string; sentences_en?: string[] });
    const checked = cases.filter(({ text, sentences_en }) => text !== '' && sentences_en !== undefined);
    expect(checked.length).toBe(315);
    for (const { text, sentences_en } of checked) expect(countSentences(text), text).toBe(sentences_en?.length);
  });
});
