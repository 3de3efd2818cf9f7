import { describe, expect, it } from 'vitest';
import { endsChineseSentence } from '../../src/text/chinese-sentences.ts';
import { countSentences, countSentencesUnspaced } from '../../src/text/sentences.ts';

const ends = (line: string): boolean =>
  endsChineseSentence(
    Uint16Array.from(line, (character) => character.charCodeAt(0)),
    0,
    line.length,
  );

describe('Chinese sentence ends', () => {
  it.each([
    ['他来了。', true],
    ['真的吗？！', true],
    ['后来……', true],
    ['“走吧。”', true],
    ['（完。）', true],
    ['他说：「好！」', true],
    ['见下文。（出《云溪友议》）', true],
    ['新闻中心', false],
    ['他说：', false],
    ['（出《云溪友议》）', false],
    ['', false],
    ['。', true],
  ])('%s: %s', (line, wanted) => {
    expect(ends(line)).toBe(wanted);
  });

  it.each([
    ['', 0],
    ['没有句号', 1],
    ['我来了。他走了。', 2],
    ['“你为什么不早点告诉我？”她问道。', 2],
    ['等等……好吧！真的？', 3],
    ['他说：“来了。”然后走了。', 2],
    ['中文。English one. And two.', 3],
    ['。。。', 1],
  ])('counts %j as %i without spaces', (text, sentences) => {
    expect(countSentencesUnspaced(text)).toBe(sentences);
  });

  it('counts as the English rules do where there is no Chinese end', () => {
    for (const text of [
      'Mr. Smith went to Washington. He stayed.',
      'One. Two! Three?',
      'Wait... what?! Yes.',
      'v1.2 (3.5)',
    ]) {
      expect(countSentencesUnspaced(text)).toBe(countSentences(text));
    }
  });
});
