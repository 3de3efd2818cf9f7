import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeQualityReport } from '../../../src/report/quality/index.ts';
import { readQualityReport } from '../../../src/report/quality/read-quality-report.ts';
import { smallReport } from './fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'quality-report-'));
afterAll(() => rmSync(folder, { recursive: true }));

function written(content: string): string {
  const path = join(folder, 'report.json');
  writeFileSync(path, content);
  return path;
}

describe('a quality report that was written', () => {
  it('is read back the same, and lies beside its Markdown and HTML', async () => {
    const report = smallReport();
    const files = await writeQualityReport(report, folder);
    expect(await readQualityReport(files.json, 'it')).toEqual(report);
    expect(files).toEqual({
      json: join(folder, 'quality-report.json'),
      markdown: join(folder, 'quality-report.md'),
      html: join(folder, 'quality-report.html'),
    });
  });
});

describe('a file that is no quality report', () => {
  it.each([
    ['{', 'it is no JSON'],
    ['null', 'its format is not corpusmill-quality-report'],
    ['{"schemaVersion":1}', 'its format is not corpusmill-quality-report'],
    [
      JSON.stringify({ ...smallReport(), version: 2 }),
      'it has version 2 of the format, and this corpusmill reads version 1',
    ],
    [JSON.stringify({ ...smallReport(), documents: -1 }), 'at documents: Too small'],
  ])('%.25s is refused: %s', async (content, reason) => {
    await expect(readQualityReport(written(content), 'old.json')).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining(`cannot read the quality report old.json: ${reason}`),
      hint: 'give the JSON that an evaluation has left',
    });
  });

  it('is not there, or is a folder', async () => {
    await expect(readQualityReport(join(folder, 'none'), 'none')).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    await expect(readQualityReport(folder, 'f')).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' });
  });
});
