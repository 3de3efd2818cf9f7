import { Parser } from 'htmlparser2';
import { describe, expect, it } from 'vitest';
import { escapeXml, fileInId, renderJunit } from '../../src/report/junit.ts';
import { judge, parseLimit } from '../../src/report/limit.ts';
import { buildReport } from '../../src/report/report-data.ts';
import { emptySummary, HOSTILE, webSummary } from './fixture.ts';

const over = judge('5%', parseLimit('5%')!, { counted: 'all', duplicates: 4_075, documents: 48_211 });

interface Case {
  attributes: Record<string, string>;
  /** The message of its failure. */
  failure?: string | undefined;
}

/** The suite's attributes and its cases, by an XML parser. */
function parse(xml: string): { suite: Record<string, string>; cases: Case[] } {
  const cases: Case[] = [];
  let suite: Record<string, string> = {};
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (name === 'testsuite') suite = attributes;
        if (name === 'testcase') cases.push({ attributes });
        if (name === 'failure') cases[cases.length - 1].failure = attributes['message'];
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(xml);
  return { suite, cases };
}

describe('junit.xml', () => {
  it('has a case for the limit, for each source of each stage, and for each cluster while the limit is broken', () => {
    const { cases } = parse(renderJunit(buildReport(webSummary()), over));
    expect(cases.map(({ attributes }) => attributes['classname'])).toEqual([
      'corpusmill.limit',
      ...Array(3).fill('corpusmill.dedup.exact.source'),
      ...Array(2).fill('corpusmill.dedup.minhash.site'),
      'corpusmill.dedup.exact.cluster',
      ...Array(4).fill('corpusmill.dedup.minhash.cluster'),
    ]);
    expect(cases[0].failure).toBe('4,075 duplicates among 48,211 documents (8.5 %), over the limit of 5%');
  });

  it('fails the sources whose own share is over the limit, and counts the failures', () => {
    const { suite, cases } = parse(renderJunit(buildReport(webSummary()), over));
    const failed = cases.filter(({ failure }) => failure !== undefined);
    const sources = failed.filter(({ attributes }) => !/cluster|limit/.test(attributes['classname']));
    // 1,500 of 18,000 are 8.3 %, 704 of 6,000 11.7 %; none of 8,379. 1,000 of 20,000 are exactly 5 %; 871 of 10,175 8.6 %.
    expect(sources.map(({ attributes }) => attributes['name'])).toEqual([
      'web: 8.3 % duplicates',
      'mail: 11.7 % duplicates',
      'mail: 8.6 % duplicates',
    ]);
    expect([suite['tests'], suite['failures']]).toEqual(['11', String(failed.length)]);
  });

  it('fails nothing without a limit or within it', () => {
    const report = buildReport(webSummary());
    expect(renderJunit(report)).not.toContain('<failure');
    expect(renderJunit(report, { ...over, over: false })).not.toContain('<failure');
    expect(renderJunit(buildReport(emptySummary()))).toContain('tests="0" failures="0"');
  });

  it('holds any text, also what XML cannot hold', () => {
    const xml = renderJunit(buildReport(webSummary()), over);
    expect(xml).not.toContain('<img');
    expect(xml).not.toContain('<b>web');
    const names = parse(xml).cases.map(({ attributes }) => attributes['name']);
    expect(names).toContain(`9 copies of web/${HOSTILE}`);
    expect(escapeXml('a<b>&"\'\u0000\ud800\n')).toBe('a&lt;b&gt;&amp;&quot;&#39;\ufffd\ufffd&#10;');
  });

  const inputs = [
    { name: 'web', format: 'jsonl' },
    { name: 'my/input', format: 'csv' },
    { name: 'notes', format: 'text' },
  ];
  it.each([
    ['notes/2024/a #1.txt', '2024/a #1.txt'],
    ['web/pages/a.jsonl#1204', 'pages/a.jsonl'],
    ['my/input/a.txt#0', 'a.txt'],
    ['web/own-id', undefined],
    ['other/a.jsonl#1', undefined],
  ])('finds the file in the id %s', (id, file) => expect(fileInId(inputs)(id)).toBe(file));
});
