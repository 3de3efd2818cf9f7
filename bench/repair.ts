/**
 * Text repair and Chinese stages on real web text, in CPU seconds of one thread, each stage alone on texts already read.
 * MB are 10⁶ UTF-8 bytes. `clean` are the documents without any suspicious character: what the quick look costs.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { MapDefinition } from '../src/core/stage.ts';
import { boilerplateLines } from '../src/filters/boilerplate/boilerplate-lines.ts';
import { filterChinese } from '../src/filters/chinese/filter-chinese.ts';
import { normalizeChinese } from '../src/filters/chinese/normalize-chinese.ts';
import { repair as repairStage } from '../src/filters/repair/repair.ts';
import type { Bench } from './bench.ts';
import { webMixPath } from './web-mix.ts';

const STAGES = [repairStage, normalizeChinese, boilerplateLines, filterChinese] as unknown as readonly MapDefinition[];

export const repair: Bench = {
  name: 'repair',
  summary: 'text repair, Chinese normalization, boilerplate lines and Chinese rules: MB/s per core',
  async run() {
    const lines = gunzipSync(readFileSync(webMixPath())).toString('utf8').trimEnd().split('\n');
    const all = lines.map((line) => JSON.parse(line) as { text: string; lang: string });
    const texts = (keep: (text: string, lang: string) => boolean): string[] =>
      all.filter(({ text, lang }) => keep(text, lang)).map(({ text }) => text);
    const inputs: Record<string, string[]> = {
      clean: texts((text) => /^[\x09\x0a\x20-\x25\x27-\x7e\u3000-\u4dff，。、“”！？；：（）《》]*$/.test(text)),
      english: texts((_, lang) => lang === 'en'),
      chinese: texts((_, lang) => lang.startsWith('zh')),
    };
    const table: (string | number)[][] = [['stage', 'input', 'documents', 'MB', 'MB/s per core']];
    const figures: Record<string, number> = {};
    for (const definition of STAGES) {
      for (const [input, list] of Object.entries(inputs)) {
        const megabytes = list.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
        const rate = Math.round(megabytes / secondsOf(definition, list));
        table.push([definition.name, input, list.length, megabytes.toFixed(1), rate]);
        figures[`${definition.name}:${input}`] = rate;
      }
    }
    return { table, figures };
  },
};

/** CPU seconds of the quickest of three passes. */
function secondsOf(definition: MapDefinition, texts: readonly string[]): number {
  const stage = definition.create(definition.options.parse({}), { name: definition.name, seed: 0, baseDir: '' });
  let best = Number.POSITIVE_INFINITY;
  for (let pass = 0; pass < 3; pass++) {
    const start = process.cpuUsage();
    for (const text of texts) stage.process({ id: '', text, meta: {} });
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1e6);
  }
  return best;
}
