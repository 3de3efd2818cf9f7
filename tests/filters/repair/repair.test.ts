import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { repair } from '../../../src/filters/repair/repair.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { stageOf } from '../process.ts';

const run = stageOf(repair);
const utf8 = new TextEncoder();
const gbk = new TextDecoder('gbk');

/** UTF-8 read byte by byte as Latin-1. */
function asLatin1(text: string): string {
  return [...utf8.encode(text)].map((byte) => String.fromCharCode(byte)).join('');
}

describe('repair: UTF-8 read in a single-byte encoding', () => {
  // Right-hand sides by hand; left-hand sides as Python 3.12 gives them: 'text'.encode('utf-8').decode(encoding).
  it.each([
    ['Windows-1252', 'l’humanitÃ© Ã  la carte', 'l’humanité à la carte'],
    ['Windows-1252, quotes', 'doesnâ€™t â€œmatterâ€\x9d', 'doesn’t “matter”'],
    ['Windows-1252, an emoji', 'ðŸ˜€ hi', '😀 hi'],
    ['twice', 'ÃƒÂ©tat', 'état'],
    ['a no-break space that lost its second half', 'more Â»\nÂ\nCafÃ© Â\nend', 'more »\n\nCafé \nend'],
    ['Turkish', 'Ä±ÅŸÄ±k ve ÅŸeker Ã¶', 'ışık ve şeker ö'],
    ['Windows-1251', 'вЂњРџСЂРёРІРµС‚вЂќ', '“Привет”'],
    ['Mac Roman', '√©t√© ‚Äôs', 'été ’s'],
    ['code page 437', 'itΓÇÖs', 'it’s'],
    ['Chinese', 'ä¸­æ–‡æµ‹è¯•', '中文测试'],
  ])('%s', (_, broken, wanted) => {
    expect(run(broken).text).toBe(wanted);
  });

  it.each([
    ['French with no-break spaces before marks', 'voilà\u00a0» dit-il, «\u00a0oui\u00a0» — déjà\u00a0!'],
    ['capitals before closing marks', 'MAÇÃ» e CAFÉ™ «ÉTÉ» ROMÂ»'],
    ['Portuguese', 'São Paulo não é à toa: NÃO, CORAÇÃO.'],
    ['Russian', 'РОССИЯ. США. Серёжа сказал: «Сёма!» — и…'],
    ['an alphabet', 'ÀÁÂÃÄÅÆÇÈÉÊË'],
    ['mathematics', '√2 × √3 ¬p Γ(n) ± 5 °C'],
  ])('leaves %s', (_, text) => {
    expect(run(text).text).toBe(text);
  });

  it('finds back any text of common scripts read as Latin-1', () => {
    const piece = fc.constantFrom(
      '中文',
      '日本語',
      '한국어',
      'Привет мир',
      'γειά σου',
      '“ok”',
      'été',
      'naïve',
      '🙂',
      ' ',
      'a',
    );
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
        const text = pieces.join(' ').trim() || 'a';
        expect(run(asLatin1(text)).text).toBe(text);
      }),
    );
  });
});

describe('repair: Chinese mojibake', () => {
  it.each(['你好，世界', '他在河边的小屋里住了三年，每天清晨都去看水位。', '時間過得很快，孩子們已經長大了。'])(
    'UTF-8 read as GBK: %s',
    (text) => {
      const { text: repaired } = run(gbk.decode(utf8.encode(text)));
      // The last bytes may make no pair: then that character is lost.
      expect(repaired.slice(0, -1)).toBe(text.slice(0, -1));
    },
  );

  it('GBK read as Latin-1', () => {
    // '中文测试一下'.encode('gbk').decode('latin-1')
    expect(run('ÖÐÎÄ²âÊÔÒ»ÏÂ').text).toBe('中文测试一下');
    // 'ПРИВЕТ МИР'.encode('cp1251').decode('latin-1') is no Chinese.
    expect(run('ÏÐÈÂÅÒ ÌÈÐ').text).toBe('ÏÐÈÂÅÒ ÌÈÐ');
  });

  it('says with U+FFFD that 锟斤拷 is lost', () => {
    expect(run('锟斤拷锟斤拷测试').text).toBe('\ufffd测试');
    expect(run('12. 锟斤拷锟缴憋拷锟斤拷一锟斤拷锟叫癸拷锟斤拷').text).toBe('12. \ufffd一\ufffd');
    expect(run('拷贝文件').text).toBe('拷贝文件');
  });
});

describe('repair: the other kinds', () => {
  it.each([
    ['entities', '&lt;b&gt; AT&T &copy; &#20013;&#x6587; &nbsp;', '<b> AT&T © 中文 \u00a0'],
    ['entities escaped twice', '5 &amp;lt; 6', '5 < 6'],
    ['no entities in HTML', '<p>&lt;b&gt;</p>', '<p>&lt;b&gt;</p>'],
    ['C1 controls', 'caf\x82 \x93hi\x94\x85', 'caf‚ “hi”…'],
    ['controls, but no line ends', '\x00a\x07b\r\nc\td', 'ab\r\nc\td'],
    ['terminal escapes', '\x1b[36;44mansi\x1b[0m', 'ansi'],
    ['byte order marks', '\ufeffa\ufeffb', 'ab'],
    ['no joiners', '👩\u200d👧', '👩\u200d👧'],
  ])('%s', (_, broken, wanted) => {
    expect(run(broken).text).toBe(wanted);
  });

  it('does on request what may lose something', () => {
    const with_ = (options: Record<string, unknown>, text: string) => stageOf(repair, options)(text).text;
    expect(with_({ ligatures: true }, 'ﬁne ﬂat')).toBe('fine flat');
    expect(with_({ width: 'letters' }, 'ＡＢ１２，ｶﾞ')).toBe('AB12，ｶﾞ');
    expect(with_({ width: 'all' }, 'ＡＢ１２，ｶﾞ')).toBe('AB12,ガ');
    expect(with_({ spaces: true }, '  a  b\t\tc   ')).toBe('  a b c   ');
    expect(with_({ maxBlankLines: 1 }, 'a\n\n\n \nb\n\nc')).toBe('a\n\nb\n\nc');
    expect(with_({ maxRepeatedPunctuation: 1 }, '好！！！！ 等等...... ——— a-b')).toBe('好！ 等等... —— a-b');
    expect(with_({ hyphenation: true }, 'for exam-\nple this\nwell-known')).toBe('for example\nthis\nwell-known');
    expect(with_({ hyphenation: true }, 'Exam-\nple of')).toBe('Example\nof');
    expect(with_({ replacementCharacters: 'remove' }, 'a\ufffd\ufffdb')).toBe('ab');
    expect(with_({ zeroWidth: 'all' }, 'a\u200bb\u00adc')).toBe('abc');
    expect(with_({ unicode: 'NFC' }, 'Cafe\u0301')).toBe('Café');
  });

  it('counts repairs by kind when asked to', () => {
    const { document } = stageOf(repair, { counts: true })('schÃ¶n &amp; gut\x00');
    expect(document.meta).toEqual({ repair: { encoding: 1, entities: 1, controls: 1 } });
    expect(run('schÃ¶n').document.meta).toEqual({});
  });

  it('drops what is empty afterwards, and does nothing with all off', () => {
    expect(run('\ufeff\x00').verdict).toBe('empty');
    const off = stageOf(repair, {
      encoding: false,
      chineseEncoding: false,
      entities: 'never',
      terminalEscapes: false,
      controls: false,
      c1Controls: false,
      zeroWidth: 'keep',
    });
    const text = 'Ã© &lt; \x1b[0m\x00\x93\ufeff锟斤拷';
    expect(off(text).text).toBe(text);
  });

  it('is done after one pass', () => {
    const characters = fc.constantFrom(
      'Ã',
      '©',
      'â',
      '€',
      '™',
      '&',
      'amp;',
      'lt;',
      '锟',
      '斤',
      '拷',
      '涓',
      '\x00',
      'a',
      ' ',
      '中',
    );
    fc.assert(
      fc.property(fc.array(characters, { maxLength: 16 }), (list) => {
        const once = stageOf(repair, { maxPasses: 10 })(list.join('')).text;
        expect(stageOf(repair, { maxPasses: 10 })(once).text).toBe(once);
      }),
    );
  });
});

describeWithShared('repair beside its peers and on real text', () => {
  const rows = (path: string): Record<string, string>[] =>
    gunzipSync(readFileSync(shared(path)))
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, string>);

  it('gives what ftfy through datatrove gives on all of the 20 cases', () => {
    const cases = rows('goldens/peers/datatrove_ftfy.jsonl.gz');
    expect(cases.length).toBe(20);
    for (const { in: broken, out } of cases) expect(run(broken).text, JSON.stringify(broken)).toBe(out);
  });

  it('finds mojibake in no Chinese paragraph of 3,600, and finds back most characters of those read as GBK', () => {
    const texts = rows('data/zh-wiki-paragraphs.jsonl.gz').map(({ text }) => text);
    const encodings = stageOf(repair, { entities: 'never', controls: false, c1Controls: false, zeroWidth: 'keep' });
    expect(texts.filter((text) => encodings(text).text !== text)).toEqual([]);
    // Reading UTF-8 as GBK loses bytes for good: before a digit, at an odd end. So not every character can come back.
    let repaired = 0;
    const sample = texts.filter((_, i) => i % 20 === 0);
    for (const text of sample) {
      const found = new Set(run(gbk.decode(utf8.encode(text))).text);
      const han = [...new Set(text)].filter((character) => character > '\u4dff');
      if (han.filter((character) => found.has(character)).length >= han.length * 0.85) repaired++;
    }
    expect(repaired / sample.length, `${repaired} of ${sample.length}`).toBeGreaterThan(0.95);
  });
});
