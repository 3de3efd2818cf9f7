import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeReports } from '../../src/report/index.ts';
import { reportSchema } from '../../src/report/report-schema.ts';
import { webSummary } from './fixture.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corpusmill-report-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('writeReports', () => {
  it('leaves three whole files in the run directory and says where', async () => {
    const files = await writeReports(webSummary(), dir);
    expect(files).toEqual({
      json: join(dir, 'report.json'),
      markdown: join(dir, 'report.md'),
      html: join(dir, 'report.html'),
    });
    expect(Object.values(files).every(isAbsolute)).toBe(true);
    expect((await readdir(dir)).sort()).toEqual(['report.html', 'report.json', 'report.md']);
    expect(reportSchema.parse(JSON.parse(await readFile(files.json, 'utf8'))).totals.read.documents).toBe(48_211);
    expect(await readFile(files.markdown, 'utf8')).toMatch(/^## corpusmill: quickstart\n/);
    expect(await readFile(files.html, 'utf8')).toMatch(/^<!doctype html>\n[\s\S]*<\/html>\n$/);
  });

  it('writes the same bytes again, also from a summary that has been through JSON', async () => {
    const read = async () => Promise.all((await readdir(dir)).sort().map((name) => readFile(join(dir, name))));
    await writeReports(webSummary(), dir);
    const first = await read();
    await writeReports(JSON.parse(JSON.stringify(webSummary())), dir);
    expect(await read()).toEqual(first);
  });

  it('explains reasons as the caller tells it to', async () => {
    const { html } = await writeReports(webSummary(), dir, {
      describeReason: (stage, reason) => (reason === 'lorem ipsum' ? `${stage}: placeholder text` : undefined),
    });
    expect(await readFile(html, 'utf8')).toContain('filter.c4: placeholder text');
  });
});
