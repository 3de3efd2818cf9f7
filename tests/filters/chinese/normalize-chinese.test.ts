import { describe, expect, it } from 'vitest';
import { normalizeChinese } from '../../../src/filters/chinese/normalize-chinese.ts';
import { stageOf } from '../process.ts';

const text = (options: Record<string, unknown>, given: string): string =>
  stageOf(normalizeChinese, options)(given).text;

describe('normalize.chinese', () => {
  it('turns every full-width letter and digit into its ASCII twin, and no other mark', () => {
    // U+FF10 + n is n: UAX #11. One peer's table maps １ to a quotation mark.
    const ascii = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    const wide = [...ascii].map((character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)).join('');
    expect(text({}, wide)).toBe(ascii);
    expect(text({}, '，。！？（）：；％＋')).toBe('，。！？（）：；％＋');
    expect(text({ fullWidth: 'symbols' }, '５０％＋１，好！')).toBe('50%+1，好！');
    expect(text({ fullWidth: 'keep' }, '１Ａ')).toBe('１Ａ');
  });

  it('replaces compatibility ideographs and radicals by the ideographs they stand for', () => {
    // Unicode data: U+F900 豈, U+2F00 一, U+2F2F 工, U+2F9F4 嶲.
    expect(text({}, '\uf900\u2f00\u2f2f\u{2f9f4}')).toBe('豈一工嶲');
    expect(text({ compatibility: false }, '\uf900')).toBe('\uf900');
  });

  it.each([
    ['你好,世界.', '你好，世界。'],
    ['他说:"来了!"', '他说：“来了！”'],
    ['价格3.5元,约1,000人', '价格3.5元，约1,000人'],
    ['很好...完', '很好……完'],
    ['新版(测试)发布; 请看', '新版（测试）发布；请看'],
    ['一.第一项', '一.第一项'],
    ['Hello, world (ok). "x"', 'Hello, world (ok). "x"'],
    ['见 http://a.cn/?a=1,b', '见 http://a.cn/?a=1,b'],
    ['用Python.写代码', '用Python.写代码'],
  ])('punctuation: %s', (given, wanted) => {
    expect(text({ punctuation: 'chinese' }, given)).toBe(wanted);
    expect(text({}, given)).toBe(given);
  });

  it('converts the script only when asked to, by phrases', () => {
    const traditional = '乾隆皇帝與乾燥的頭髮後面皇后';
    expect(text({}, traditional)).toBe(traditional);
    expect(text({ script: 'simplified' }, traditional)).toBe('乾隆皇帝与干燥的头发后面皇后');
    expect(text({ script: 'traditional' }, '头发')).toBe('頭髮');
    expect(text({ script: 'simplified' }, '已是简体。')).toBe('已是简体。');
  });

  it('treats ideographic spaces as asked', () => {
    expect(text({}, '　　段落　中')).toBe('　　段落　中');
    expect(text({ ideographicSpace: 'space' }, '　段落　中')).toBe(' 段落 中');
    expect(text({ ideographicSpace: 'trim' }, '　　段落　中\n　二')).toBe('段落 中\n二');
  });
});
