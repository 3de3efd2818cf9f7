import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderQualityMarkdown } from '../../../src/report/quality/markdown.ts';
import { hostileText, largeReport, poorReport, reportOfThree, smallReport, withText } from './fixture.ts';

describe('a quality report in Markdown', () => {
  it('tells a small one in whole', () => {
    // Figures as worked out in terminal.test.ts. Brier score: (.05² + .1² + .2² + .7² + .7² + .2² + .1² + .1² + .05² + .02²) / 10.
    // Log loss: −(2 ln .95 + 3 ln .9 + 2 ln .8 + 2 ln .3 + ln .98) / 10. F1 of drop is 5/6, so macro F1 (5/6 + 3/4) / 2.
    const [before] = renderQualityMarkdown(smallReport()).split('<details>', 1);
    expect(before).toBe(`\
## small

ROC-AUC **0.958** by words (95 % interval 0.843–1.000). 10 documents: 6 drop, 4 keep.

### Models

| Model | ROC-AUC | 95 % interval | Average precision | F1 | Accuracy | MCC | Brier score | Log loss |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| words | 0.958 | 0.843–1.000 | 0.950 | 0.750 | 0.800 | 0.583 | 0.110 | 0.329 |

### Decisions of words: keep from 0.5, the middle of the scale

Precision 0.750, Recall 0.750, F1 0.750, Accuracy 0.800, Macro F1 0.792, MCC 0.583.

|  | taken for drop | taken for keep |
| --- | ---: | ---: |
| **is drop** | 5 | 1 |
| **is keep** | 1 | 3 |

### By language

| Language | Documents | keep | ROC-AUC | Precision | Recall | F1 |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| en | 6 | 66.7 % | 0.875 | 0.750 | 0.750 | 0.750 |
| zh | 4 | 0 % | undefined: one class only | – | – | – |

`);
  });

  it('has every model, fold and source in its tables, and the rest of the leading model folded', () => {
    const text = renderQualityMarkdown(largeReport());
    for (const row of ['mean line length', 'fasttext bigrams', 'gbdt on statistics', 'naive Bayes']) {
      expect(text.match(new RegExp(`^\\| ${row} \\|`, 'gm'))).toHaveLength(2);
    }
    expect(text).toContain('Fold 5');
    expect(text).toMatch(/^\| forum \| 466 \|/m);
    const folded = [...text.matchAll(/<summary>(.*)<\/summary>/g)].map(([, title]) => title);
    expect(folded).toEqual([
      'What keeping a share of the documents takes',
      expect.stringMatching(/^Calibration: expected error 0\.\d{3}$/),
      'What speaks most for keep',
      'What speaks most for drop',
      '10 documents nearest the threshold',
      expect.stringMatching(/^drop taken for keep: \d+ documents, the surest first$/),
      expect.stringMatching(/^keep taken for drop: \d+ documents, the surest first$/),
    ]);
    expect(text).toContain('12 documents left out: empty text');
    expect(text).toContain('**Warning**: a third of the texts are &#60;Chinese&#62;');
  });

  it('tells of three labels by label', () => {
    const text = renderQualityMarkdown(reportOfThree());
    expect(text).toContain('| Label | Documents | ROC-AUC | Precision | Recall | F1 |');
    expect(text).toContain('taken for middle |');
  });

  it('says that there is no AUC, and why', () => {
    const text = renderQualityMarkdown(poorReport());
    expect(text).toContain('**No ROC-AUC**: one class only. 1 document: 0 drop, 1 keep.');
    expect(text).toContain('| *none given* | 1 | 100 % | undefined: one class only |');
    expect(text).not.toMatch(/NaN|Infinity|null|undefined(?!:)/);
  });

  it('keeps its shape whatever text data has: no tag, no table cell, no heading more', () => {
    const shapeOf = (text: string) => ({
      tags: text.match(/<\/?[a-z]+>/g),
      pipes: text.split('\n').map((line) => line.replace(/[^|]/g, '').length),
      headings: text.match(/^#+ /gm)?.length,
    });
    const report = smallReport({ text: () => 'x', source: Array(10).fill('x'), baseline: 'words' });
    report.models[0].telling = [{ label: 'keep', features: [{ feature: 'x', weight: 1 }] }];
    const plain = shapeOf(renderQualityMarkdown(withText(report, 'plain')));
    fc.assert(
      fc.property(hostileText, (text) => {
        // GitHub breaks words at <wbr>, which escaping puts behind an @.
        const found = renderQualityMarkdown(withText(report, text)).replaceAll('<wbr>', '');
        expect(shapeOf(found)).toEqual(plain);
      }),
      { numRuns: 50 },
    );
  });
});
