import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';
import { buildReport } from '../../src/report/report-data.ts';
import { reportJsonSchema, reportSchema } from '../../src/report/report-schema.ts';
import { emptySummary, smallSummary, webSummary } from './fixture.ts';

describe('report.json', () => {
  it.each([
    ['a run as the quickstart has it', webSummary()],
    ['a run of one stage', smallSummary()],
    ['a run over nothing', emptySummary()],
  ])('keeps to its schema for %s', (_, summary) => {
    const written: unknown = JSON.parse(JSON.stringify(buildReport(summary)));
    expect(reportSchema.parse(written)).toEqual(written);
  });

  it('has the schema that configs/report.schema.json publishes', () => {
    const file = join(packageRoot(), 'configs', 'report.schema.json');
    // When the shape was changed on purpose: write `reportJsonSchema()` to that file.
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(reportJsonSchema());
  });

  it('refuses members that the schema does not know', () => {
    expect(reportSchema.safeParse({ ...buildReport(emptySummary()), extra: 1 }).success).toBe(false);
  });
});
