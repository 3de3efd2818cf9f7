import { describe, expect, it } from 'vitest';
import { boilerplateLines } from '../../../src/filters/boilerplate/boilerplate-lines.ts';
import { stageOf } from '../process.ts';

const FIRST = '这座桥建于1956年，后来又加宽过一次。';
const LAST = '夜里的风很大，灯却一直亮着。';
const run = stageOf(boilerplateLines);
const around = (line: string): string => run(`${FIRST}\n${line}\n${LAST}`).text;

describe('clean.boilerplate-lines', () => {
  it.each([
    '首页',
    '返回首页',
    '首页 > 新闻中心 > 国内新闻 > 正文',
    '您的位置：首页 > 科技 > 正文',
    '上一篇：某地今日降温',
    '下一篇',
    '上一頁 下一頁',
    '责任编辑：王小明',
    '(責任編輯：林)',
    '来源：新华网',
    '记者：张三 摄影：李四',
    '2012-01-12 11:33 来源：人民网',
    '相关阅读',
    '相關新聞',
    '热门排行',
    '版权所有 某某网 未经许可不得转载',
    'Copyright © 2012 Example Inc.',
    '京ICP备12345678号-1',
    '京公网安备 11000002000001号',
    '增值电信业务经营许可证B2-20100000',
    '分享到微信朋友圈',
    '【字號：大 中 小】',
    '扫一扫关注公众号',
    '登录 | 注册',
    '用户登录',
    '忘记密码',
    '已有123人参与评论',
    '阅读(1234) 评论(5)',
    '联系电话：010-12345678',
    '广告',
    '本网站使用cookies以改善体验。',
    '友情链接',
    '3小时前',
    '新闻 | 体育 | 财经 | 娱乐 | 科技',
    '时政 地方 法治 高层 人事 理论',
    '文明上网，理性发言',
    '网易首页-新闻-体育-NBA-娱乐-财经-股票',
    '查看更多',
    '关键词：桥梁 水利',
  ])('removes %s', (line) => {
    expect(around(line)).toBe(`${FIRST}\n${LAST}`);
  }); // prettier-ignore

  it.each([
    'Home | About | Contact',
    'Skip to main content',
    'You are here: Home > News',
    'Next article »',
    'Related articles',
    'Posted by admin on May 3',
    'January 5, 2012',
    '© 2012 Example. All rights reserved.',
    'Share this on Facebook',
    'Facebook Twitter LinkedIn',
    'Sign in to continue reading',
    'We use cookies to improve your experience.',
    'Subscribe to our newsletter',
    'Leave a comment',
    '23 Comments',
    'ADVERTISEMENT',
    'Read more',
  ])('removes %s', (line) => {
    expect(around(line)).toBe(`${FIRST}\n${LAST}`);
  }); // prettier-ignore

  it.each([
    '他登录网站以后才发现密码早已被人改过，只好重新注册。',
    '上一篇文章里我们谈到了桥梁的历史，今天接着说。',
    '新闻自由是现代社会的基础之一。',
    '版本 2.1',
    '## 安装方法',
    '- 打开文件',
    '第一章 总则',
    '作者在书中说，来源是可靠的。',
    'He shared the article with his friends on Monday.',
    'Related work on parsing goes back to 1965.',
    '白日依山尽，',
    '## 相关阅读',
    '1. 首先打开电源',
    '北京',
    'const home = 1;',
    '| 名称 | 说明 |',
  ])('keeps %s', (line) => {
    expect(around(line)).toBe(`${FIRST}\n${line}\n${LAST}`);
  }); // prettier-ignore

  it('removes a run of short lines without marks, whatever they say', () => {
    const menu = ['好莱坞', '亚马逊', '音乐节', '特斯拉', '海淘'];
    expect(run([FIRST, ...menu, LAST].join('\n')).text).toBe(`${FIRST}\n${LAST}`);
    const short = [FIRST, ...menu.slice(0, 4), LAST].join('\n');
    expect(run(short).text).toBe(short);
    const all = [FIRST, ...menu, LAST].join('\n');
    expect(stageOf(boilerplateLines, { menuRun: null })(all).text).toBe(all);
  });

  it('removes a run of titles, and titles under a heading of links', () => {
    const titles = Array.from({ length: 6 }, (_, i) => `某地第${'一二三四五六'[i]}届桥梁工程博览会今日举行`);
    expect(run([FIRST, ...titles, LAST].join('\n')).text).toBe(`${FIRST}\n${LAST}`);
    expect(run([FIRST, ...titles.slice(1), LAST].join('\n')).text).toContain(titles[1]);
    expect(run([FIRST, '相关阅读', ...titles.slice(0, 2), LAST, titles[3]].join('\n')).text).toBe(
      `${FIRST}\n${LAST}\n${titles[3]}`,
    );
  });

  it('drops a page of nothing else, and one that lost more than it may', () => {
    expect(run('首页\n登录 | 注册\n版权所有').verdict).toBe('only_boilerplate');
    const strict = stageOf(boilerplateLines, { maxRemoved: 0.1 });
    expect(strict(`${FIRST}\n版权所有 某某网 未经许可不得转载`).verdict).toBe('mostly_boilerplate');
    expect(stageOf(boilerplateLines, { minChars: 100 })(`${FIRST}\n首页`)).toMatchObject({
      verdict: 'only_boilerplate',
      value: FIRST.length,
      threshold: 100,
    });
  });

  it('takes no text of a single line for a page', () => {
    expect(run('推荐购买').text).toBe('推荐购买');
  });

  it('follows the user: languages, kinds, own patterns, counts', () => {
    const page = `${FIRST}\n责任编辑：王\nShare this\n本报讯\n${LAST}`;
    expect(stageOf(boilerplateLines, { languages: ['en'] })(page).text).toContain('责任编辑');
    expect(stageOf(boilerplateLines, { kinds: ['share'] })(page).text).toContain('责任编辑');
    const own = stageOf(boilerplateLines, { patterns: ['^本报讯$'], counts: true })(page);
    expect(own.text).toBe(`${FIRST}\n${LAST}`);
    expect(own.document.meta).toEqual({ 'clean.boilerplate-lines': { credits: 1, share: 1, own: 1 } });
    expect(() => stageOf(boilerplateLines, { patterns: ['(?=x)'] })).toThrow(/cannot be read/);
  });

  it('needs time in proportion to the text, also for hostile lines', () => {
    const lines = [
      '>'.repeat(300),
      '首页|'.repeat(75),
      '新闻 '.repeat(100),
      'a > '.repeat(75),
      '('.repeat(300),
      '2012-'.repeat(60),
    ];
    const text = Array.from({ length: 3000 }, (_, i) => lines[i % lines.length]).join('\n');
    expect(run(text).document).toBeDefined();
  });
});
