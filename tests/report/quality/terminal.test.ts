import { describe, expect, it } from 'vitest';
import { renderQualityTerminal } from '../../../src/report/quality/terminal.ts';
import { textWidth } from '../../../src/report/text-width.ts';
import { largeReport, poorReport, reportOfThree, smallReport, withText } from './fixture.ts';

const large = largeReport();

describe('a quality report in a terminal', () => {
  it('tells a small one in whole at 80 columns', () => {
    // AUC: the positives .95, .9, .8 are above all 6 negatives, .3 above 5: 23 of 24 pairs. From .5 up: 3 of 4 positives and
    // one negative. MCC: (3 · 5 − 1 · 1) / √(4 · 4 · 6 · 6) = 14 / 24. Average precision: (1 + 1 + 1 + 4/5) / 4.
    expect(renderQualityTerminal(smallReport(), { color: false, width: 80 })).toBe(`\
small: 10 documents, 6 of drop, 4 of keep

  model  ROC-AUC  95 % interval     F1  accuracy  avg. precision    MCC
  words    0.958    0.843–1.000  0.750     0.800           0.950  0.583

words: keep from 0.5, the middle of the scale
           as drop  as keep
  is drop        5        1
  is keep        1        3
  precision 0.750, recall 0.750, F1 0.750, MCC 0.583

  language  documents    keep                    ROC-AUC  precision  recall
  en                6  66.7 %                      0.875      0.750   0.750
  zh                4     0 %  undefined: one class only          –       –
`);
  });

  it('leaves out the last columns first where there is little room, and cuts long names', () => {
    const lines = renderQualityTerminal(large, { color: false, width: 60 }).split('\n');
    expect(lines.slice(0, 10)).toEqual([
      'keep-or-drop-en-zh.jsonl: 2,000 documents, 1,277 of drop, 723 of keep',
      '5-fold cross-validation, seed 1',
      '12 documents left out: empty text',
      'warning: a third of the texts are <Chinese>',
      '',
      '  model              ROC-AUC  95 % interval     F1  accuracy',
      expect.stringMatching(/^ {2}mean line length {5}0\.600/),
      expect.stringMatching(/^ {2}fasttext bigrams {5}0\.928/),
      expect.stringMatching(/^ {2}gbdt on …atistics {4}0\.844/),
      expect.stringMatching(/^ {2}naive Bayes {10}0\.875/),
    ]);
    const wide = renderQualityTerminal(large, { color: false, width: 110 });
    expect(wide).toContain('to baseline  avg. precision    MCC');
  });

  it.each([60, 80, 110])('keeps its tables within %d columns', (width) => {
    for (const report of [large, reportOfThree(), poorReport()]) {
      const [, ...lines] = renderQualityTerminal(report, { color: false, width }).split('\n');
      for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width);
    }
  });

  it('lines Chinese names up by columns', () => {
    const report = withText(smallReport(), '语料');
    const lines = renderQualityTerminal(report, { color: false, width: 80 }).split('\n');
    const head = lines.findIndex((line) => line.includes('ROC-AUC'));
    expect(lines[head + 1]).toContain('语料');
    expect(textWidth(lines[head + 1])).toBe(textWidth(lines[head]));
  });

  it('has only colour codes more with colours', () => {
    const coloured = renderQualityTerminal(large, { color: true, width: 80 });
    expect(coloured).toContain('\u001b[1mfasttext bigrams');
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(renderQualityTerminal(large, { color: false, width: 80 }));
  });

  it('lets no name command the terminal', () => {
    const report = withText(large, 'a\u001b[2J\rb\n\u202ec');
    const text = renderQualityTerminal(report, { color: false, width: 110 });
    expect(text).not.toMatch(/[\u001b\r\u202e]/);
  });

  it('has a row for each of three labels', () => {
    const text = renderQualityTerminal(reportOfThree(), { color: false, width: 80 });
    expect(text).toContain('             as head  as middle  as tail\n  is head ');
    expect(text).toMatch(/is tail +9 +5 +59\n {2}accuracy 0\.853, macro F1 0\.848, MCC 0\.772/);
  });
});
