/**
 * Trains one n-gram model in a process of its own, for the bench `ngram-lm`: node ngram-lm-train.js CORPUS ARPA OPTIONS.
 * CORPUS has tokens divided by spaces, as lmplz reads it. Prints JSON: what it took, and its peak.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createLanguageModelTrainer } from '../src/quality/ngram-lm/trainer.ts';

/** What this process says. */
export interface TrainingCost {
  /** Of the whole process, its start included; the ARPA file is written, but the model's own is not. */
  cpuSeconds: number;
  wallSeconds: number;
  peakMiB: number;
  ngrams: number;
}

const LINES_A_TEXT = 1000;
const [corpus, arpa, options] = process.argv.slice(2);
const trainer = createLanguageModelTrainer({ tokens: 'whitespace', ...JSON.parse(options) });
let lines: string[] = [];
for await (const line of createInterface({ input: createReadStream(corpus) })) {
  lines.push(line);
  if (lines.length < LINES_A_TEXT) continue;
  trainer.add(`${lines.join('\n')}\n`);
  lines = [];
}
if (lines.length > 0) trainer.add(`${lines.join('\n')}\n`);
const trained = trainer.finish();
await trained.saveArpa(arpa);
const { user, system } = process.cpuUsage();
const cost: TrainingCost = {
  cpuSeconds: (user + system) / 1e6,
  wallSeconds: process.uptime(),
  peakMiB: process.resourceUsage().maxRSS / 1024,
  ngrams: trained.details.ngrams.reduce((sum, count) => sum + count, 0),
};
process.stdout.write(JSON.stringify(cost));
