import { describe, expect, it } from 'vitest';
import { renderFunnel } from '../../src/report/terminal.ts';
import { textWidth } from '../../src/report/text-width.ts';
import { emptySummary, histogramOf, smallSummary, stagesFrom, webSummary } from './fixture.ts';

describe('the funnel in a terminal', () => {
  it('tells a small run in whole at 80 columns', () => {
    // Bars: 80 − 23 (names) − 9 − 8 − 4 (gaps) = 36 cells for 10 documents, so 8 documents are 29 and 2 are 7.
    expect(renderFunnel(smallSummary(), { color: false, width: 80 })).toBe(`\
small: 8 of 10 documents kept (80.0 %), 19.0 kB of 20.0 kB

                       documents      text
  read                        10   20.0 kB  ████████████████████████████████████
  filter.c4                    8   19.0 kB  █████████████████████████████░░░░░░░
    too few sentences         −2  −1.00 kB
  kept                         8   19.0 kB  █████████████████████████████

Inputs
  web  1 jsonl file, 5.00 kB: 10 documents, 8 kept

Quarantine
  quarantine.jsonl  1 record
                    1 invalid JSON

Outputs
  clean  1 file, 9.00 kB
`);
  });

  it('lines Chinese names up by columns', () => {
    const read = { documents: 100, bytes: 1_000 };
    const stages = stagesFrom(read, [{ name: '中文过滤', drops: { 重复: [50, 500] } }]);
    const summary = {
      ...emptySummary(),
      pipeline: { name: '语料', file: 'p.yaml', hash: '0', seed: 1 },
      inputs: [],
      stages,
      lengthsBefore: histogramOf(read, 3, [1]),
      lengthsAfter: histogramOf(stages[0].output, 3, [1]),
    };
    expect(renderFunnel(summary, { color: false, width: 60 })).toBe(`\
语料: 50 of 100 documents kept (50.0 %), 500 B of 1.00 kB

            documents     text
  read            100  1.00 kB  ████████████████████████████
  中文过滤         50    500 B  ██████████████░░░░░░░░░░░░░░
    重复          −50   −500 B
  kept             50    500 B  ██████████████
`);
  });

  it('says that nothing was read, without a division by zero', () => {
    expect(renderFunnel(emptySummary(), { color: false, width: 80 })).toBe(`\
empty: no documents were read

             documents  text
  read               0   0 B
  normalize          0   0 B
  filter.c4          0   0 B
  kept               0   0 B

Inputs
  nothing  1 jsonl file, 0 B: 0 documents, 0 kept
`);
  });

  it.each([60, 80, 100, 200])('fits %d columns, whatever the names', (width) => {
    const summary = webSummary();
    summary.inputs[0].name = '很长的来源名称'.repeat(8);
    summary.stages[1].name = 'a-stage-with-a-very-long-name-'.repeat(4);
    for (const line of renderFunnel(summary, { color: false, width }).split('\n').slice(1)) {
      expect(textWidth(line)).toBeLessThanOrEqual(width);
    }
  });

  it('sums up what goes beyond six reasons', () => {
    const read = { documents: 1_000, bytes: 100_000 };
    const drops = Object.fromEntries(
      Array.from({ length: 9 }, (_, i) => [`r${i}`, [90 - i, 1_000] as [number, number]]),
    );
    const stages = stagesFrom(read, [{ name: 'filter', drops }]);
    const text = renderFunnel({ ...smallSummary(), stages }, { color: false, width: 80 });
    expect(text).toContain('r5');
    expect(text).not.toContain('r6');
    // r6 + r7 + r8 = 84 + 83 + 82.
    expect(text).toMatch(/3 other reasons +−249 +−3.00 kB/);
  });

  it('lets no name command the terminal', () => {
    const summary = smallSummary();
    summary.inputs[0].name = 'web\u001b]0;title\u0007\u001b[2J';
    summary.pipeline.name = 'x\nforged: 10 of 10';
    const text = renderFunnel(summary, { color: false, width: 80 });
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    expect(text.startsWith('x forged: 10 of 10: 8 of 10')).toBe(true);
  });

  it('has the same text in colour', () => {
    const colored = renderFunnel(webSummary(), { color: true, width: 80 });
    expect(colored).toContain('\u001b[32m');
    const stripped = colored.replace(/\u001b\[\d+m/g, '').replace(/ +$/gm, '');
    expect(stripped).toBe(renderFunnel(webSummary(), { color: false, width: 80 }));
  });

  it('leaves inputs, quarantine and outputs to the caller on request', () => {
    const text = renderFunnel(smallSummary(), { color: false, width: 80, surroundings: false });
    expect(text).not.toMatch(/Inputs|Quarantine|Outputs/);
    expect(text.trimEnd().endsWith('█')).toBe(true);
  });
});
