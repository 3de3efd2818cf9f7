import { describe, expect, it } from 'vitest';
import { escapeMarkdown } from '../../src/report/markdown/text.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { buildReport } from '../../src/report/report-data.ts';
import { emptySummary, HOSTILE, smallSummary, webSummary } from './fixture.ts';

describe('report.md', () => {
  it('tells a small run in whole', () => {
    expect(renderMarkdown(buildReport(smallSummary()))).toBe(`## corpusmill: small

|  | Figure | Share |
| --- | ---: | ---: |
| Documents kept | **8** of 10 | 80.0 % |
| Text kept | **19.0 kB** of 20.0 kB | 95.0 % |
| Dropped by filters | 2 | 20.0 % |
| Duplicates | 0 | 0 % |
| Bad records | 1 |  |

### Funnel

| Stage | Documents | Dropped | Text |  |
| --- | ---: | ---: | ---: | --- |
| **Read** | 10 |  | 20.0 kB | ████████████████████ |
| filter.c4 | 8 | −2 | 19.0 kB | ████████████████░░░░ |
| **Kept** | **8** |  | **19.0 kB** | ████████████████░░░░ |

### Why dropped

| Stage | Reason | Documents | Share | Text |
| --- | --- | ---: | ---: | ---: |
| filter.c4 | too few sentences | 2 | 20.0 % | 1.00 kB |

<details><summary>Sampled documents that were dropped</summary>

| Reason | Document | Measured / limit | Text |
| --- | --- | --- | --- |
| filter.c4: too few sentences | <code>web/4</code> | 2 / 5 | <code>Two words. Really.</code> |

</details>

### Sources

| Source | Files | Read | Kept | Share | Text kept |
| --- | --- | ---: | ---: | ---: | ---: |
| web | 1 jsonl file | 10 | 8 | 80.0 % | 19.0 kB |

### Outputs

| Output | Path | Size | Holds |
| --- | --- | --- | --- |
| clean | <code>clean</code> | 1 file, 9.00 kB | rows 8 |

### Quarantine

1 record could not be read, set aside in <code>quarantine.jsonl</code>.

| Reason | Records |
| --- | ---: |
| invalid JSON | 1 |

<sub>corpusmill 0.1.0 · pipelines/small.yaml · hash abcdef0123456789 · seed 7</sub>
`);
  });

  it('says plainly that nothing was read', () => {
    const text = renderMarkdown(buildReport(emptySummary()));
    expect(text).toContain('**No documents were read.**');
    expect(text).not.toMatch(/NaN|Infinity|undefined|null/);
  });

  it.each([
    ['a pipe, which would end the cell', 'a | b', 'a &#124; b'],
    ['backticks', '`rm`', '&#96;rm&#96;'],
    ['HTML', '<img src=x>', '&#60;img src=x&#62;'],
    ['an entity', '&lt;', '&#38;lt;'],
    ['emphasis and links', '**b** [x](y)', '&#42;&#42;b&#42;&#42; &#91;x&#93;&#40;y&#41;'],
    ['line ends, which would end the row', 'a\r\nb\n\nc', 'a b c'],
    ['a heading and an issue number', '# 1 #2', '&#35; 1 &#35;2'],
    ['a mention or an address', '@octo', '&#64;<wbr>octo'],
    ['bare addresses that GitHub links', 'https://a.b www.c.d', 'https&#58;//a.b www&#46;c.d'],
    ['a backslash', '\\|', '&#92;&#124;'],
    ['mathematics', '$x$', '&#36;x&#36;'],
    ['control characters', 'a\u0000\u001b[1m', 'a\ufffd\ufffd&#91;1m'],
    ['Chinese, untouched', '今日休息，明日照常。', '今日休息，明日照常。'],
  ])('escapes %s', (_, text, expected) => expect(escapeMarkdown(text)).toBe(expected));

  it('keeps every table row to its columns and every tag its own, with hostile text everywhere', () => {
    const summary = webSummary();
    for (const stage of summary.stages) stage.name += HOSTILE;
    for (const input of summary.inputs) input.name += HOSTILE;
    summary.pipeline.name = HOSTILE;
    summary.quarantine.byReason[`${HOSTILE}\n| x |`] = 1;
    summary.outputs[0].path = HOSTILE;
    const lines = renderMarkdown(buildReport(summary)).split('\n');
    let columns = 0;
    for (const line of lines) {
      if (!line.startsWith('|')) columns = 0;
      else if (columns === 0) columns = line.split('|').length;
      else expect(line.split('|')).toHaveLength(columns);
    }
    const tags = new Set(lines.join('\n').match(/<\/?[a-z]+/g));
    expect([...tags].sort()).toEqual(
      ['<code', '</code', '<details', '</details', '<sub', '</sub', '<summary', '</summary', '<wbr'].sort(),
    );
    expect(lines.join('\n')).not.toContain('`');
  });

  it('is small enough for a job summary (GitHub takes 1 MiB)', () => {
    expect(Buffer.byteLength(renderMarkdown(buildReport(webSummary())))).toBeLessThan(64 * 1024);
  });
});
