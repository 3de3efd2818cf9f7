/**
 * RedPajama-V2's quality signals, written into the document instead of judging it: thresholds are chosen afterwards, with
 * `filter.meta` or in any tool that reads the output.
 *
 * Source: Weber et al. 2024, "RedPajama: an Open Dataset for Training Large Language Models" (arXiv:2411.12372), table 3 and
 * appendix; counted as its code counts (app/src/core/quality_signals). Values equal the code's on real documents: see
 * bench/statistics.ts. Not here: signals that need models (rps_doc_ml_*, the importance weights rps_doc_*_importance),
 * the UT1 category of the host (filter.url has such lists), and cc_net's own columns (ccnet_*).
 */
import { z } from 'zod';
import { defineMap, KEEP, type Measurement } from '../../core/stage.ts';
import { readListFile } from '../../io/list-file.ts';
import { textView } from '../../text/view.ts';
import { type LineSignals, measureLines, type Span } from './lines.ts';
import { normalizeText } from './normalized.ts';
import { type DocumentSignals, measureDocument, readBadWords, readStopWords } from './signals.ts';

const listFile = (what: string) =>
  z.string().min(1).nullable().default(null).describe(`${what}, one a line; null: the signal is left out`);

const options = z.strictObject({
  lines: z.boolean().default(false).describe('Write the six signals of lines too, as spans [start, end, score] a line'),
  format: z
    .enum(['values', 'spans'])
    .default('values')
    .describe('How signals of the document are written: values, as numbers; spans, as published: [[0, length, score]]'),
  stopWords: listFile('File of stop words for rps_doc_stop_word_fraction (RedPajama-V2: stopwords-json)'),
  badWords: listFile('File of bad words for rps_doc_ldnoobw_words (RedPajama-V2: the LDNOOBW list of the language)'),
});

export const redpajamaV2 = defineMap({
  kind: 'map',
  name: 'annotate.redpajama-v2',
  summary: "Write RedPajama-V2's quality signals (rps_doc_*, rps_lines_*) into meta.",
  source:
    'Weber et al. 2024 (arXiv:2411.12372); github.com/togethercomputer/RedPajama-Data, app/src/core/quality_signals',
  version: 1,
  options,
  optionFiles: ({ stopWords, badWords }) => [stopWords ?? undefined, badWords ?? undefined],
  create(given, { name, baseDir }) {
    const read = (option: 'stopWords' | 'badWords'): string[] | undefined => {
      const path = given[option];
      return path === null ? undefined : readListFile({ path, baseDir, option });
    };
    const stop = read('stopWords');
    const bad = read('badWords');
    const lists = { stopWords: stop && readStopWords(stop), badWords: bad && readBadWords(bad) };
    const measure = (text: string): { document: DocumentSignals; lines: LineSignals | undefined; chars: number } => {
      const view = textView(text);
      const normalized = normalizeText(view.units, text.length);
      return {
        document: measureDocument(view, normalized, lists),
        lines: given.lines ? measureLines(view, normalized) : undefined,
        chars: view.charCount,
      };
    };
    return {
      process(document) {
        const { document: signals, lines, chars } = measure(document.text);
        document.meta[name] = { ...(given.format === 'values' ? signals : asSpans(signals, chars)), ...lines };
        return KEEP;
      },
      explain(document) {
        return Object.entries(measure(document.text).document).map(
          ([rule, value]): Measurement => ({ rule, value: value ?? 'none', broken: false }),
        );
      },
    };
  },
});

function asSpans(signals: DocumentSignals, chars: number): Record<string, Span[]> {
  return Object.fromEntries(Object.entries(signals).map(([name, score]) => [name, [[0, chars, score]]]));
}
