import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DuplicateCluster, DuplicateDetails, RunSummary } from '../../../src/core/run-summary.ts';
import { withBaseline } from '../../../src/report/comparison.ts';
import { renderHtml } from '../../../src/report/html/page.ts';
import { buildReport } from '../../../src/report/report-data.ts';
import { HOSTILE, webSummary } from '../fixture.ts';
import { runPage } from './run-page.ts';

/** The quickstart's run with these clusters as those of `dedup.exact`, and no other stage. */
function withClusters(largest: DuplicateCluster[]): RunSummary {
  const summary = webSummary();
  const [exact] = summary.barriers;
  const details = { ...(exact.details as DuplicateDetails), largest };
  return { ...summary, barriers: [{ ...exact, details }] };
}

function cluster(n: number, texts: readonly string[] = ['one two three', 'one two four'], skipped = 0) {
  return {
    size: texts.length,
    skipped,
    members: texts.map((excerpt, i) => ({
      id: `doc-${n}-${i}`,
      source: n % 2 === 0 ? 'even' : 'odd',
      kept: i === 0,
      excerpt,
      bytes: Buffer.byteLength(excerpt),
      fingerprint: (2 * n + i).toString(16).padStart(16, '0'),
    })),
  };
}

const many = (count: number) => Array.from({ length: count }, (_, n) => cluster(n));

function pageOf(summary: RunSummary) {
  const page = runPage(renderHtml(buildReport(summary)));
  const view = page.document.querySelector('[data-clusters]')!;
  const items = () => [...view.querySelectorAll('.clusters > li')];
  return { ...page, view, items, status: () => view.querySelector('[role=status]')?.textContent };
}

describe('clusters on the page', () => {
  it('puts the kept document beside the copy and marks on both sides what differs', () => {
    const { document, open } = runPage(renderHtml(buildReport(webSummary())));
    const item = [...document.querySelectorAll('.clusters > li')].find((li) => li.textContent?.includes('33 copies'))!;
    open(item.querySelector('details')!);
    const members = [...item.querySelectorAll('.member')];
    expect(members.map((member) => member.querySelector('.badge')?.textContent)).toEqual(['kept', 'dropped']);
    expect([...members[0].querySelectorAll('del')].map((mark) => mark.textContent)).toEqual(['much', 'a']);
    expect([...members[1].querySelectorAll('ins')].map((mark) => mark.textContent)).toEqual(['great', 'one']);
    expect(item.textContent).toContain('and 31 more copies');
  });

  it('lists fifty and more when asked, and says how many', () => {
    const { view, items, status } = pageOf(withClusters(many(120)));
    const more = view.querySelector('.more');
    expect([items().length, status()]).toEqual([50, '50 of 120 clusters']);
    more.click();
    more.click();
    expect([items().length, status(), more.hidden]).toEqual([120, '120 of 120 clusters', true]);
  });

  it('renders no member before its cluster is opened, and opens it once', () => {
    const { view, items, open } = pageOf(withClusters(many(10_000)));
    expect(view.querySelectorAll('.member')).toHaveLength(0);
    for (let i = 0; i < 3; i++) open(items()[7].querySelector('details')!);
    expect([...view.querySelectorAll('.member .id')].map((id) => id.textContent)).toEqual(['doc-7-0', 'doc-7-1']);
  });

  it('finds clusters by the words or ids of any member', async () => {
    const { view, items, status } = pageOf(
      withClusters([...many(60), cluster(999, ['a harbour', 'a Harbour at night'])]),
    );
    const find = view.querySelector('input[type=search]');
    const search = async (text: string) => {
      find.value = text;
      find.dispatchEvent(new view.ownerDocument.defaultView!.Event('input'));
      await new Promise((resolve) => setTimeout(resolve, 200));
    };
    await search('NIGHT harbour');
    expect([items().length, status()]).toEqual([1, '1 of 1 found, of 61 clusters']);
    await search('doc-59-1');
    expect(items()).toHaveLength(1);
    await search('nowhere');
    expect(status()).toBe('No cluster found.');
  });

  it('says that texts are the same instead of showing them twice', () => {
    const { items, open } = pageOf(withClusters([cluster(0, ['same', 'same'])]));
    open(items()[0].querySelector('details')!);
    expect(items()[0].querySelectorAll('.excerpt')).toHaveLength(1);
    expect(items()[0].querySelector('.same')?.textContent).toBe('The same text.');
  });

  it('says what all copies begin with and is not shown', () => {
    const { items, open } = pageOf(withClusters([cluster(0, ['…end a', '…end b'], 12_000)]));
    open(items()[0].querySelector('details')!);
    expect(items()[0].querySelector('.excerpt')?.textContent).toContain('12,000 characters alike in all copies');
  });

  it('marks what the baseline did not have, and shows it first when the cluster is opened', () => {
    const summary = withClusters([cluster(0), cluster(1, ['kept text', 'old copy', 'new copy'])]);
    const details = summary.barriers[0].details as DuplicateDetails;
    const printsOf = (...prints: number[]) => ({
      of: 'text',
      count: prints.length,
      base64: Buffer.from(new BigUint64Array(prints.map(BigInt)).buffer)
        .swap64()
        .toString('base64'),
    });
    const reportOf = (...prints: number[]) => {
      details.fingerprints = printsOf(...prints);
      return buildReport(summary);
    };
    const before = reportOf(1, 3);
    const { document, open } = runPage(renderHtml(withBaseline(reportOf(1, 3, 4), before)));
    const [known, fresh] = document.querySelectorAll('#duplicates .clusters > li');
    expect(known.querySelector('summary .badge')).toBeNull();
    expect(fresh.querySelector('summary .badge')?.textContent).toBe('new');
    open(fresh.querySelector('details')!);
    expect(fresh.querySelector('.member + .member .badge')?.textContent).toBe('new duplicate');
    expect(fresh.querySelector('.member + .member .id')?.textContent).toBe('doc-1-2');
  });

  it('shows hostile text as text, and makes no element of any text', () => {
    const kinds = (text: string): Set<string> => {
      const hostile = cluster(0, [text, `${text} x`]);
      for (const member of hostile.members) Object.assign(member, { id: text, source: text });
      const { items, open } = pageOf(withClusters([hostile]));
      open(items()[0].querySelector('details')!);
      return new Set(
        [...items()[0].querySelectorAll('*')].map((element) =>
          [element.localName, ...[...element.attributes].map(({ name }) => name).sort()].join(' '),
        ),
      );
    };
    const plain = new Set([...kinds('plain text'), ...kinds(HOSTILE), 'p class']);
    expect(plain).not.toContain('img onerror src');
    const text = fc.oneof(
      fc.constantFrom(HOSTILE, '<!--', '<!--<script>', '</script>', '\u2028', '\u0000'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 50 }),
    );
    fc.assert(
      fc.property(text, (value) => {
        for (const kind of kinds(value)) expect(plain).toContain(kind);
      }),
      { numRuns: 40 },
    );
  });
});
