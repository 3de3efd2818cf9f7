import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Document } from '../../../src/core/document.ts';
import { extractHtml } from '../../../src/filters/extract-html.ts';
import { renderRuns } from '../../../src/filters/html/render.ts';
import { layOut } from '../../../src/filters/html/runs.ts';
import { parsePage } from '../../../src/filters/html/tree.ts';
import { describeWithShared, shared } from '../../shared.ts';

const LOREM = 'The quick brown fox jumps over the lazy dog, and the dog, being lazy, lets it pass without a word. ';
const paragraph = (n: number): string => `<p>Paragraph ${n}. ${LOREM}</p>`;

function stage(changes: Record<string, unknown> = {}) {
  const made = extractHtml.create(extractHtml.options.parse(changes), { name: 'extract.html', seed: 0, baseDir: '/' });
  return (text: string, meta: Document['meta'] = { source: 's' }) => {
    const document: Document = { id: 'd', text, meta: { ...meta } };
    const verdict = made.process(document);
    return { verdict, document, explained: made.explain!({ id: 'd', text, meta }) };
  };
}

/** The text the fast engine extracts. */
const extract = (html: string, changes: Record<string, unknown> = {}): string => {
  const { verdict, document } = stage(changes)(html);
  expect(verdict).toEqual({ action: 'keep' });
  return document.text;
};

describe('the text', () => {
  it('has the article and not the frame around it', () => {
    const text = extract(`<!doctype html><html><body>
      <nav><a href=/>Home</a> <a href=/news>News</a></nav>
      <div class="sidebar"><p>${LOREM} A very long advertisement of the sidebar.</p></div>
      <div class="post">${paragraph(1)}<h2>A heading</h2>${paragraph(2)}</div>
      <ul><li><a href=/1>Another article with a long title</a><li><a href=/2>And another one with a title</a></ul>
      <div id="comments"><p>${LOREM} says a reader.</p></div>
      <footer><p>Copyright by somebody or other, all rights reserved in all countries of the world.</p></footer></body></html>`);
    expect(text).toBe(`Paragraph 1. ${LOREM.trim()}\n\nA heading\n\nParagraph 2. ${LOREM.trim()}`);
  });

  it('has no scripts, styles, forms, templates, or hidden elements', () => {
    const text = extract(`<html><body><script>var a = "<p>${LOREM}</p>";</script><style>p { color: red }</style>
      <noscript><p>${LOREM} noscript</p></noscript><template><p>${LOREM} template</p></template>
      <p hidden>${LOREM} hidden</p><p style="color: red; DISPLAY:none">${LOREM} none</p>
      <select><option>${LOREM} option</select><textarea>${LOREM} area</textarea>${paragraph(1)}</body></html>`);
    expect(text).toBe(`Paragraph 1. ${LOREM.trim()}`);
  });

  it('keeps lists, tables and code readable', () => {
    const text = extract(`<html><body><article>${paragraph(1)}
      <ul><li>first item</li><li>second item<ul><li>nested item</li></ul></li></ul>${paragraph(2)}
      <table><tr><th>Name</th><th>Age</th></tr><tr><td>Ann</td><td>41</td></tr></table>${paragraph(3)}
      <pre><code>if (a) {
    b();
}</code></pre>${paragraph(4)}</article></body></html>`);
    expect(text).toContain('- first item\n- second item\n  - nested item');
    expect(text).toContain('Name | Age\nAnn | 41');
    expect(text).toContain('if (a) {\n    b();\n}');
  });

  it('leaves tables out, and writes links, as asked', () => {
    const html = `<html><body>${paragraph(1)}<table><tr><td>cell</td></tr></table>
      <p>${LOREM}<a href="https://a.org/x">the link</a> ends the paragraph.</p></body></html>`;
    expect(extract(html)).toContain('cell');
    expect(extract(html, { keepTables: false })).not.toContain('cell');
    expect(extract(html)).toContain('word. the link ends');
    expect(extract(html, { keepLinks: true })).toContain('word. [the link](https://a.org/x) ends');
  });

  it('counts an ideograph for two letters, and reads ruby text once', () => {
    const chinese = '我们在这里看到了一个新的世界，人们都说这是好的，大家都很高兴地来到了这个地方。';
    const html = `<html><body><div class=nav><a>首页</a><a>新闻</a></div><div><p>${chinese}</p><p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>字を${chinese}</p></div></body></html>`;
    expect(extract(html)).toBe(`${chinese}\n\n漢字を${chinese}`);
  });

  it('names do not cost a page that is all comments its text', () => {
    expect(extract(`<html><body><div class="comments">${paragraph(1)}${paragraph(2)}</div></body></html>`)).toContain(
      'Paragraph 2.',
    );
  });
});

it('what the page says of itself goes into meta under the stage’s name', () => {
  const { document } = stage()(`<html lang="de-AT"><head><title> Ein
    Titel </title><link rel="canonical" href="https://a.org/c"><meta name="description" content="Worum es geht &amp; mehr">
    </head><body>${paragraph(1)}</body></html>`);
  expect(document.meta).toEqual({
    source: 's',
    'extract.html': {
      title: 'Ein Titel',
      language: 'de-AT',
      canonicalUrl: 'https://a.org/c',
      description: 'Worum es geht & mehr',
    },
  });
});

describe('what is no HTML', () => {
  const plain = 'Plain text with a < sign, a <b> tag and nothing else of a page.';
  it('passes unchanged, or is dropped with otherText: drop', () => {
    expect(stage()(plain)).toMatchObject({
      verdict: { action: 'keep' },
      document: { text: plain, meta: { source: 's' } },
    });
    expect(stage({ otherText: 'drop' })(plain).verdict).toMatchObject({ action: 'drop', reason: 'not_html' });
  });
  it('is told by the reader’s content type first', () => {
    const html = `<html>${paragraph(1)}</html>`;
    expect(stage()(html, { source: 's', contentType: 'text/plain' }).document.text).toBe(html);
    const bare = `${LOREM}<p>${LOREM}`;
    expect(stage()(bare, { source: 's', contentType: 'text/html' }).document.text).not.toBe(bare);
  });
});

describe('limits', () => {
  it.each([
    ['no_content', '<html><body><nav><a href=/>Home</a></nav></body></html>', {}],
    ['too_short', `<html><body>${paragraph(1)}</body></html>`, { minTextLength: 1000 }],
    ['too_large', `<html><body>${paragraph(1)}</body></html>`, { maxCharacters: 100 }],
    ['too_many_nodes', `<html><body>${paragraph(1).repeat(10)}</body></html>`, { maxNodes: 15 }],
  ])('%s drops, and explain says so', (reason, html, changes) => {
    const { verdict, explained } = stage(changes)(html);
    expect(verdict).toMatchObject({ action: 'drop', reason });
    expect(explained.filter((measurement) => measurement.broken).map((measurement) => measurement.rule)).toEqual([
      reason,
    ]);
  });

  it.each(['fast', 'readability'])('the %s engine is not held up by thousands of nested elements', (engine) => {
    const { verdict } = stage({ engine })(`<html><body>${'<div>'.repeat(2_000)}${paragraph(1)}`);
    expect(['keep', 'drop']).toContain(verdict.action);
  });

  it('never throws, and loses no text of a page without structure, whatever the bytes', () => {
    const bits = fc.constantFrom(
      '<p>',
      '</p>',
      '<div',
      '>',
      '<a href="',
      '"',
      '&amp;',
      '&#x110000;',
      '<!--',
      '-->',
      '<script>',
      '</',
      'text ',
      '\0',
      '<table><td>',
      '\ud800',
      '<![CDATA[',
    );
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 60 }), (parts) => {
        const { verdict } = stage()(`<html>${parts.join('')}`);
        expect(['keep', 'drop']).toContain(verdict.action);
      }),
      { numRuns: 300 },
    );
  });
});

describeWithShared('real pages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'corpusmill-html-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const words = (text: string): Map<string, number> => {
    const bag = new Map<string, number>();
    for (const word of text.toLowerCase().match(/\p{Script=Han}|[\p{L}\p{N}]+/gu) ?? [])
      bag.set(word, (bag.get(word) ?? 0) + 1);
    return bag;
  };
  const f1 = (got: Map<string, number>, expected: Map<string, number>): number => {
    let common = 0;
    for (const [word, count] of got) common += Math.min(count, expected.get(word) ?? 0);
    const total = (bag: Map<string, number>): number => [...bag.values()].reduce((sum, count) => sum + count, 0);
    return (2 * common) / Math.max(1, total(got) + total(expected));
  };

  it('agree with what Readability’s own test pages expect: mean F1 of words ≥ .88', () => {
    execFileSync('tar', ['xzf', shared('data/html-pages.tar.gz'), '-C', folder, 'readability-pages']);
    const process = stage({ minTextLength: 1 });
    const scores: number[] = [];
    const root = join(folder, 'readability-pages');
    for (const name of readdirSync(root)) {
      let source: string;
      let expected: string;
      try {
        source = readFileSync(join(root, name, 'source.html'), 'utf8');
        expected = readFileSync(join(root, name, 'expected.html'), 'utf8');
      } catch {
        continue;
      }
      const gold = renderRuns(layOut(parsePage(expected, { maxNodes: 1e6, maxDepth: 256 })!.root, false).runs, true);
      const { verdict, document } = process(source, { source: 's', contentType: 'text/html' });
      scores.push(verdict.action === 'keep' ? f1(words(document.text), words(gold)) : 0);
    }
    expect(scores.length).toBeGreaterThan(100);
    expect(scores.reduce((sum, score) => sum + score, 0) / scores.length).toBeGreaterThan(0.88);
  });
});
