import { describe, expect, it } from 'vitest';
import { escapeHtml, html, percent, trusted } from '../../../src/report/html/markup.ts';

describe('the html template', () => {
  it('escapes whatever is put into it, in text and in attributes', () => {
    const text = `<b onclick='x'>"&`;
    expect(html`<i title="${text}">${text}</i>`.toString()).toBe(
      '<i title="&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;">&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;</i>',
    );
  });

  it('takes markup and lists of it as they are, and nothing for what is absent', () => {
    expect(html`${[html`<b>1</b>`, ' < ', 2]}${undefined}${null}${false}${0}`.toString()).toBe('<b>1</b> &lt; 20');
  });

  it('cannot be given markup by a look-alike object', () => {
    const fake = { toString: () => '<script>' } as unknown as string;
    expect(html`${fake}`.toString()).toBe('&lt;script&gt;');
  });

  it('trusts only what is marked', () => {
    expect(html`${trusted('<br>')}`.toString()).toBe('<br>');
  });

  it('makes characters that HTML forbids visible', () => {
    expect(escapeHtml('a\u0000\u001b\u0085\ud800b\r\nc\td')).toBe('a␀␛\ufffd\ufffdb\nc\td');
  });

  it.each([
    [1, 3, '33.333%'],
    [0, 0, '0%'],
    [5, 0, '0%'],
    [7, 5, '100%'],
    [-1, 5, '0%'],
  ])('holds the width of %d of %d within the bar: %s', (part, whole, text) => expect(percent(part, whole)).toBe(text));
});
