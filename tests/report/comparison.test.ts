import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { DuplicateDetails } from '../../src/core/run-summary.ts';
import { compareReports, withBaseline } from '../../src/report/comparison.ts';
import { renderHtml } from '../../src/report/html/page.ts';
import { judge, parseLimit } from '../../src/report/limit.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { readReport } from '../../src/report/read-report.ts';
import { buildReport } from '../../src/report/report-data.ts';
import { type Report, reportSchema } from '../../src/report/report-schema.ts';
import { smallSummary, stagesFrom } from './fixture.ts';

const ascending = (prints: readonly number[]) => {
  const bytes = Buffer.alloc(8 * prints.length);
  [...prints].sort((a, b) => a - b).forEach((print, i) => void bytes.writeBigUInt64BE(BigInt(print), 8 * i));
  return bytes.toString('base64');
};

interface Sketch {
  documents: number;
  /** One number for each duplicate. */
  prints: number[];
  of?: string;
  sources?: Record<string, [documents: number, duplicates: number]>;
  name?: string;
}

function reportOf({ documents, prints, of = 'text', sources = {}, name = 'dedup.exact' }: Sketch): Report {
  const read = { documents, bytes: 10 * documents };
  const details: DuplicateDetails = {
    kind: 'duplicates',
    method: 'exact',
    documents,
    duplicates: prints.length,
    saved: { bytes: 10 * prints.length, tokens: prints.length },
    clusters: prints.length,
    clusterSizes: { 2: prints.length },
    sources: {
      by: 'source',
      names: Object.keys(sources),
      documents: Object.values(sources).map(([all]) => all),
      duplicates: Object.values(sources).map(([, copies]) => copies),
      bytesSaved: Object.values(sources).map(([, copies]) => 10 * copies),
      matrix: [],
    },
    largest: prints.map((print, i) => ({
      size: 2,
      skipped: 0,
      members: [false, true].map((isCopy) => ({
        id: `${isCopy ? 'copy' : 'kept'}-${i}`,
        source: 'web',
        kept: !isCopy,
        excerpt: 'text',
        bytes: 4,
        fingerprint: print.toString(16).padStart(16, '0'),
      })),
    })),
    fingerprints: { of, count: prints.length, base64: ascending(prints) },
    settings: {},
  };
  return buildReport({
    ...smallSummary(),
    stages: stagesFrom(read, [{ name, stage: 'dedup.exact', drops: { duplicate: [prints.length, 1] } }]),
    lengthsBefore: { ...smallSummary().lengthsBefore, count: documents, sum: read.bytes },
    barriers: [{ name, stage: 'dedup.exact', details, artifacts: {} }],
  });
}

describe('a report against a baseline', () => {
  it('tells new duplicates from those that were there, as multisets', () => {
    const now = reportOf({ documents: 100, prints: [1, 1, 2, 5] });
    const { totals, stages } = compareReports(now, reportOf({ documents: 100, prints: [1, 2, 2, 3] }));
    // New: the second 1, and 5. Gone: the second 2, and 3.
    expect([totals.newDuplicates, totals.goneDuplicates]).toEqual([2, 2]);
    expect(stages[0]).toMatchObject({ newDuplicates: 2, goneDuplicates: 2, untold: null, trend: 'same' });
  });

  it('goes by rates: more duplicates among far more documents are better', () => {
    const { totals } = compareReports(
      reportOf({ documents: 1000, prints: [1, 2, 3] }),
      reportOf({ documents: 100, prints: [1, 2] }),
    );
    expect(totals.trend).toBe('better');
    expect([totals.now.duplicateShare, totals.before.duplicateShare]).toEqual([0.003, 0.02]);
  });

  it('compares source by source, those that came and went too', () => {
    const now = reportOf({ documents: 30, prints: [1], sources: { web: [10, 1], mail: [10, 0], new: [10, 0] } });
    const before = reportOf({ documents: 30, prints: [1], sources: { web: [20, 1], mail: [10, 0], old: [10, 0] } });
    const [{ sources }] = compareReports(now, before).stages;
    expect(sources.map(({ name, trend }) => [name, trend])).toEqual([
      ['web', 'worse'],
      ['mail', 'same'],
      ['new', null],
      ['old', null],
    ]);
    expect(sources[3]).toMatchObject({ now: null, before: { documents: 10 } });
  });

  it('finds a stage under its new name, and says where it cannot tell what is new', () => {
    const now = reportOf({ documents: 10, prints: [1], name: 'exact again', of: 'url' });
    const { stages, totals } = compareReports(now, reportOf({ documents: 10, prints: [1] }));
    expect(stages).toHaveLength(1);
    expect(stages[0]).toMatchObject({
      name: 'exact again',
      newDuplicates: null,
      untold: 'the stage had other settings',
    });
    expect(totals.newDuplicates).toBeNull();
  });

  it('marks new copies among the members of clusters, each known fingerprint used up once', () => {
    const marked = withBaseline(reportOf({ documents: 9, prints: [7, 7, 8] }), reportOf({ documents: 9, prints: [7] }));
    const states = marked.duplicates[0].largest.map(({ members }) => members.map(({ isNew }) => isNew));
    expect(states).toEqual([
      [false, false],
      [false, true],
      [false, true],
    ]);
    expect(reportSchema.parse(marked)).toEqual(marked);
  });

  it('leads the job summary and the page with the verdict and the change', () => {
    const built = withBaseline(
      reportOf({ documents: 100, prints: [1, 2, 3] }),
      reportOf({ documents: 100, prints: [1] }),
    );
    const verdict = judge('1%', parseLimit('1%')!, { counted: 'new', duplicates: 2, documents: 100 });
    const report = { ...built, verdict };
    expect(renderMarkdown(report).split('\n').slice(0, 7)).toEqual([
      '## corpusmill: small',
      '',
      '**❌ Failed:** 2 new duplicates among 100 documents (2.0 %), over the limit of 1%.',
      '',
      '| Against the baseline | Duplicates | Share | Share before | New | Gone |  |',
      '| --- | ---: | ---: | ---: | ---: | ---: | --- |',
      '| All | 3 | 3.0 % | 1.0 % | 2 | 0 | worse |',
    ]);
    const page = renderHtml(report);
    expect(page).toContain('<b>Failed</b> 2 new duplicates among 100 documents');
    expect(page).toContain('Worse: <b>3.0 %</b> duplicates, 1.0 % before.');
  });
});

describe('reading a baseline', () => {
  const folder = mkdtempSync(join(tmpdir(), 'corpusmill-baseline-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const written = (value: unknown): string => {
    const path = join(folder, 'report.json');
    writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
    return path;
  };
  const problem = (value: unknown) =>
    readReport(written(value), 'old.json').then(
      () => 'read',
      (error: Error) => error.message,
    );

  it('takes any report of the same version of the schema, also an older and a newer one', async () => {
    const report = reportOf({ documents: 10, prints: [1] });
    expect((await readReport(written(report), 'old.json')).duplicates[0].fingerprints?.of).toBe('text');
    expect(await problem({ ...report, fresh: true, totals: { ...report.totals, fresh: 1 } })).toBe('read');
    const { saved: _, ...totals } = report.totals;
    const [{ saved: __, sources: ___, fingerprints: ____, ...stage }] = report.duplicates;
    const older = await readReport(written({ ...report, totals, duplicates: [stage] }), 'old.json');
    expect(compareReports(report, older).stages[0].untold).toBe('the baseline does not list its duplicates');
  });

  it.each([
    ['no JSON', '{', 'it is no JSON'],
    ['another JSON file', [1], 'it has no schemaVersion'],
    ['a later schema', { schemaVersion: 2 }, 'has version 2 of the report'],
    ['a report that lost a part', { schemaVersion: 1, corpusmillVersion: '1' }, 'at pipeline: '],
  ])('says what is wrong with %s', async (_, value, expected) => {
    expect(await problem(value)).toContain(`the baseline old.json`);
    expect(await problem(value)).toContain(expected);
  });

  it('says that the file is not there', async () => {
    await expect(readReport(join(folder, 'none.json'), 'none.json')).rejects.toThrow('none.json does not exist');
  });
});
