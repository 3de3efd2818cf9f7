import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { filterChinese } from '../../../src/filters/chinese/filter-chinese.ts';
import { stageOf } from '../process.ts';

const dir = mkdtempSync(join(tmpdir(), 'corpusmill-'));
afterAll(() => rmSync(dir, { recursive: true }));

const run = stageOf(filterChinese);
const PROSE = [
  '他在河边的小屋里住了三年，每天清晨都去看水位。',
  '村里的人不知道这堵墙是谁修的，也没有人去问。',
  '夜里的风很大，灯却一直亮着，直到天色发白。',
  '“你为什么不早点告诉我？”她放下手里的书，低声问道。',
  '我们把数据分成两部分，一部分用于训练，另一部分用于测试。',
  '如果温度超过三十度，机器就会自动停止，等人来检查！',
].join('\n');

describe('filter.chinese', () => {
  it('keeps prose, simplified and traditional', () => {
    expect(run(PROSE).verdict).toBe('keep');
    expect(
      run(
        '這座橋建於一九五六年，後來又加寬過一次。橋下的河水很清，孩子們夏天常常在這裡游泳，直到母親來叫他們回家吃飯。',
      ).verdict,
    ).toBe('keep');
  });

  it.each([
    ['short_doc', '太短了。'],
    [
      'ended_lines',
      `${PROSE.split('\n').slice(0, 3).join('\n').replaceAll('。', '，')}\n国内要闻今日速递\n国际要闻今日速递\n体育要闻今日速递\n财经要闻今日速递\n社会要闻今日速递`,
    ],
    [
      'marked_chars',
      `${PROSE.split('\n')[0]}\n${'新闻中心国内国际社会军事评论图片专题\n财经频道股票基金理财保险银行债券\n'.repeat(2)}娱乐频道明星电影音乐电视综艺演出时尚频道购物美容情感育儿`,
    ],
    [
      'short_lines',
      `他来了。\n${'新闻，\n体育，\n财经。\n娱乐，\n军事，\n'.repeat(5)}`.replace(
        /(.)，/g,
        (_, c: string, i: number) => `${c}${i}，`,
      ),
    ],
    ['repeated_lines', `${PROSE}\n${PROSE}\n${PROSE}`],
    ['repeated_grams', '是一个管理钱包的软件，为用户提供快捷便宜的金融服务。'.repeat(6)],
    [
      'advert_terms',
      `${'澳门赌场真人荷官百家乐老虎机，注册送彩金，稳赚不赔。'}${'欢迎新老客户前来咨询，本公司信誉第一，服务至上。'.slice(0, 24)}`,
    ],
    [
      'contacts',
      '各类办公用品常年批发零售，款式齐全，质量可靠，价格优惠，请拨打13800138000、13900139000、13700137000或者联系QQ12345678，微信：abcdef123，全国送货上门，欢迎新老客户来电咨询洽谈业务。',
    ],
    [
      'mojibake',
      '鍥藉姟闄㈡柊闂诲姙鍏\ufffd銆傝繖鏄\ufffd涓\ufffd娈垫祴璇曟枃瀛楋紝鐢ㄦ潵妫\ufffd鏌ヤ贡鐮併\ufffd傝繖閲岃繕鏈夋洿澶氱殑鏂囧瓧',
    ],
    ['digits', '今日订单编号一览表，20240117。'.repeat(20)],
    ['punctuation', `${'他说过的话我都记得很清楚但是从来没有人问起'.repeat(10)}`],
  ])('drops as %s', (reason, text) => {
    const only = { maxRepeatedGrams: reason === 'repeated_grams' ? 0.45 : null };
    expect(stageOf(filterChinese, only)(text).verdict).toBe(reason);
  });

  it('keeps documents in other languages, or drops them when asked to', () => {
    const english = 'The quick brown fox jumps over the lazy dog, again and again, all day long.';
    expect(run(english).verdict).toBe('keep');
    expect(stageOf(filterChinese, { otherLanguages: 'drop' })(english)).toMatchObject({
      verdict: 'not_chinese',
      value: 0,
      threshold: 0.3,
    });
  });

  it('takes one remark in brackets behind the full stop for part of the sentence', () => {
    const tales = '唐国子祭酒，大和七年为南宫郎。忽一日有僧乞食于门，曰：“可乎？”家僮告之。（出《云溪友议》）';
    expect(run(Array.from({ length: 6 }, (_, i) => `其${'一二三四五六'[i]}：${tales}`).join('\n')).verdict).not.toBe(
      'ended_lines',
    );
  });

  it('counts bad words of a file, in a thousand characters', () => {
    writeFileSync(join(dir, 'bad.txt'), '# own list\n水位\n墙\n');
    const strict = stageOf(filterChinese, { badWords: join(dir, 'bad.txt'), maxBadWords: 3 });
    // Two words in a text taken to have 500 characters: 4 in a thousand.
    expect(strict(PROSE)).toMatchObject({ verdict: 'bad_words', value: 4, threshold: 3 });
    expect(() => stageOf(filterChinese, { badWords: 'absent.txt' })).toThrow(
      /badWords: the file absent.txt does not exist/,
    );
  });

  it('explains every rule with its value and limits', () => {
    const stage = filterChinese.create(filterChinese.options.parse({}), {
      name: 'filter.chinese',
      seed: 0,
      baseDir: '',
    });
    const rules = stage.explain?.({ id: 'one', text: PROSE, meta: {} }) ?? [];
    expect(rules.find(({ rule }) => rule === 'ended_lines')).toMatchObject({ min: 0.03, broken: false });
    expect(rules.every(({ broken }) => !broken)).toBe(true);
    for (const { rule } of rules) expect(Object.keys(filterChinese.reasons ?? {})).toContain(rule);
  });
});
