/**
 * FineWeb-2's Chinese thresholds beside datatrove with jieba words (65 documents, three filters). ICU's dictionary words
 * differ from jieba's, so a few verdicts do; the list is complete.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { fineweb } from '../../../src/filters/fineweb.ts';
import { gopherQuality } from '../../../src/filters/gopher-quality.ts';
import { gopherRepetition } from '../../../src/filters/gopher-repetition.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { stageOf } from '../process.ts';

interface Row {
  id: number;
  text: string;
  gopher_repetition: { keep: boolean; reason?: string };
  fineweb_quality: { keep: boolean; reason?: string };
  gopher_quality: { keep: boolean; reason?: string };
}

/** The options that pipelines/fineweb-2-zh.yaml gives a stage. */
function optionsOf(stage: string): Record<string, unknown> {
  const file = readFileSync(new URL('../../../pipelines/fineweb-2-zh.yaml', import.meta.url), 'utf8');
  const { stages } = parse(file) as { stages: (string | { stage: string })[] };
  const found = stages.find((entry) => typeof entry !== 'string' && entry.stage === stage) as Record<string, unknown>;
  const { stage: _, ...options } = found;
  return options;
}

describeWithShared('FineWeb-2 cmn_Hani beside datatrove', () => {
  it('gives 192 of 195 verdicts, and differs where ICU and jieba divide words differently', () => {
    const rows = gunzipSync(readFileSync(shared('goldens/peers/fineweb2_cmn_Hani.jsonl.gz')))
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Row);
    const filters = {
      gopher_repetition: stageOf(gopherRepetition, optionsOf('filter.gopher-repetition')),
      fineweb_quality: stageOf(fineweb, optionsOf('filter.fineweb')),
      gopher_quality: stageOf(gopherQuality, optionsOf('filter.gopher-quality')),
    };
    const verdicts: string[] = [];
    const reasons: string[] = [];
    for (const row of rows) {
      for (const [name, judge] of Object.entries(filters) as [
        keyof typeof filters,
        (typeof filters)['gopher_quality'],
      ][]) {
        const { verdict } = judge(row.text);
        const wanted = row[name].keep ? 'keep' : (row[name].reason as string);
        if ((verdict === 'keep') !== row[name].keep) verdicts.push(`${row.id}: ${verdict}, datatrove ${wanted}`);
        else if (verdict !== wanted) reasons.push(`${row.id}: ${verdict}, datatrove ${wanted}`);
      }
    }
    expect(rows.length * 3).toBe(195);
    expect(verdicts).toEqual([
      // One word more or less in 56 characters moves the top 4-gram over the limit.
      '184: keep, datatrove top_4_gram',
      // 49 words against 50: 也许会, 请先, 他在 and 都去 are one word each to ICU and two to jieba.
      '185: gopher_short_doc, datatrove keep',
      // 0.723 against 0.735: ICU makes 3.5 | % of 3.5%, and four full stops of `.` and `...`.
      '229: gopher_below_alpha_threshold, datatrove keep',
    ]);
    // The same documents dropped by another n of the same rule.
    expect(reasons).toEqual([
      '186: duplicated_9_n_grams, datatrove duplicated_8_n_grams',
      '201: duplicated_5_n_grams, datatrove top_4_gram',
      '204: duplicated_7_n_grams, datatrove duplicated_5_n_grams',
    ]);
  });
});
