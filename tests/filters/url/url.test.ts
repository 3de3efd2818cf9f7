import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { url } from '../../../src/filters/url/url.ts';
import { stageOf } from '../process.ts';

function judge(options: Record<string, unknown>): (address: unknown) => string {
  const stage = stageOf(url, options);
  return (address) => stage('text', { meta: { url: address } }).verdict;
}

describe('filter.url: block lists', () => {
  // datatrove tests/pipeline/filters/test_filters.py, test_url.
  const datatrove = judge({ domains: ['blocked.com', 'danger.org', 'badsubdomain.nice.com'] });
  it.each([
    ['https://blocked.com/some-sub-url?with=stuff', 'domain'],
    ['https://hey.danger.org/some-sub-url?with=stuff', 'domain'],
    ['http://hey.danger.org/some-sub-url?with=stuff', 'domain'],
    ['http://www.danger.org/some-sub-url?with=stuff', 'domain'],
    ['https://nice.com/some-sub-url?with=stuff', 'keep'],
    ['https://badsubdomain.nice.com/some-sub-url?with=stuff', 'subdomain'],
    ['https://sdsd.badsubdomain.nice.com/some-sub-url?with=stuff', 'keep'],
    ['https://blocke.dcom/some-sub-url?with=stuff', 'keep'],
  ])('as datatrove: %s → %s', (address, verdict) => {
    expect(datatrove(address)).toBe(verdict);
  });

  it.each([
    ['HTTPS://Hey.DANGER.org:8080/x', 'domain'],
    ['danger.org', 'domain'],
    ['//danger.org/x', 'domain'],
    ['https://user:pass@word@danger.org/x', 'domain'],
    ['https://danger.org.', 'domain'],
    ['https://danger.org?q=1', 'domain'],
    ['https://example.org/danger.org', 'keep'],
    ['https://example.org/?u=https://danger.org', 'keep'],
    ['https://notdanger.org/', 'keep'],
    ['https://danger.org.evil.net/', 'keep'],
  ])('finds the host wherever it stands: %s → %s', (address, verdict) => {
    expect(datatrove(address)).toBe(verdict);
  });

  it('knows public suffixes: a listed co.uk blocks no site below it, a listed site its hosts', () => {
    const listed = judge({ domains: ['co.uk', 'shop.co.uk'] });
    expect(listed('https://www.bbc.co.uk/')).toBe('keep');
    expect(listed('https://a.b.shop.co.uk/')).toBe('domain');
  });

  it('blocks hosts below a listed host where asked', () => {
    const listed = judge({ domains: ['bad.nice.com'], blockSubdomains: true });
    expect(listed('https://x.bad.nice.com/')).toBe('subdomain');
    expect(listed('https://nice.com/')).toBe('keep');
  });

  it('compares IP addresses and international names', () => {
    const listed = judge({ domains: ['192.0.2.7', 'bücher.example'] });
    expect(listed('http://192.0.2.7:81/a')).toBe('domain');
    expect(listed('http://xn--bcher-kva.example/')).toBe('domain');
    expect(listed('http://www.Bücher.example/x')).toBe('domain');
  });

  it('compares listed URLs without scheme and closing slash, and otherwise as written', () => {
    const listed = judge({ urls: ['example.com/Bad', 'http://example.com/worse/'] });
    expect(listed('https://example.com/Bad')).toBe('url');
    expect(listed('https://example.com/bad')).toBe('keep');
    expect(listed('http://example.com/worse')).toBe('url');
    expect(listed('http://example.com/worse?x')).toBe('keep');
  });

  describe('out of files', () => {
    let dir: string;
    beforeAll(() => {
      dir = mkdtempSync(join(tmpdir(), 'corpusmill-url-'));
      writeFileSync(join(dir, 'hosts.txt'), '\ufeff# adult\r\nblocked.com\r\n\r\n  Spaced.ORG  \n');
      writeFileSync(join(dir, 'more.txt.gz'), gzipSync('zipped.net\nmünchen.example\n'));
      writeFileSync(join(dir, 'words.txt'), '# words\ncasino\n');
    });
    afterAll(() => rmSync(dir, { recursive: true }));

    it('reads plain and gzip files, comments, either line end', () => {
      const listed = judge({
        domainLists: [join(dir, 'hosts.txt'), join(dir, 'more.txt.gz')],
        bannedWordLists: [join(dir, 'words.txt')],
      });
      for (const host of ['blocked.com', 'spaced.org', 'zipped.net']) expect(listed(`http://${host}/`)).toBe('domain');
      expect(listed('http://xn--mnchen-3ya.example/')).not.toBe('keep');
      expect(listed('http://ok.net/casino')).toBe('hard_blacklisted');
      expect(listed('http://ok.net/words')).toBe('keep');
    });

    it('says which option names a file that is not there', () => {
      expect(() => judge({ domainLists: [join(dir, 'hosts.txt'), 'gone.txt'] })).toThrow(
        /^domainLists\.1: the file gone\.txt does not exist$/,
      );
    });
  });

  it('keeps 200,000 hosts apart', () => {
    const listed = judge({ domains: Array.from({ length: 200_000 }, (_, i) => `h${2 * i}.com`) });
    let wrong = 0;
    for (let i = 0; i < 400_000; i += 7) if ((listed(`https://h${i}.com/`) === 'domain') !== (i % 2 === 0)) wrong++;
    expect(wrong).toBe(0);
  });
});

describe('filter.url: words, as datatrove', () => {
  const listed = judge({
    bannedWords: ['hard', 'worse'],
    softWords: ['soft', 'mild', 'faint'],
    bannedSubwords: ['deepbad'],
  });

  it.each([
    ['https://example.com/hard/page', 'hard_blacklisted'],
    ['https://hard.example.com/', 'hard_blacklisted'],
    ['https://example.com/harder', 'keep'],
    ['https://example.com/so_hard_', 'hard_blacklisted'],
    // Pieces are compared as written.
    ['https://example.com/HARD', 'keep'],
    ['https://example.com/soft', 'keep'],
    ['https://example.com/soft/soft', 'keep'],
    ['https://example.com/soft-mild', 'soft_blacklisted'],
    ['https://example.com/Xdee-p.bAd9', 'blacklisted_subword'],
    ['https://example.de/epbad', 'blacklisted_subword'],
    ['https://example.com/deep/and/bad', 'keep'],
  ])('%s → %s', (address, verdict) => {
    expect(listed(address)).toBe(verdict);
  });

  it('reports how many soft words there were beside the threshold', () => {
    const { value, threshold } = stageOf(url, { softWords: ['a', 'b', 'c'] })('', { meta: { url: 'a/b/c' } });
    expect([value, threshold]).toEqual([3, 2]);
  });
});

describe('filter.url: words, as DCLM', () => {
  const listed = judge({
    convention: 'dclm',
    domains: ['blocked.com'],
    bannedWords: ['hard'],
    softWords: ['soft', 'mild'],
    bannedSubwords: ['deepbad'],
  });

  it.each([
    ['https://www.blocked.com/', 'domain'],
    ['https://blocked.com/', 'domain'],
    // The host itself, not its domain.
    ['https://a.blocked.com/', 'keep'],
    ['https://example.com/HARD', 'hard_blacklisted'],
    // An underscore is a word character to \b.
    ['https://example.com/so_hard', 'keep'],
    ['https://example.com/hard-core', 'hard_blacklisted'],
    ['https://example.com/Soft/MILD', 'soft_blacklisted'],
    ['https://example.com/soft/softer', 'keep'],
    ['https://d-e.e-p.bad/', 'blacklisted_subword'],
    ['https://example.com/deep/bad', 'keep'],
  ])('%s → %s', (address, verdict) => {
    expect(listed(address)).toBe(verdict);
  });
});

describe('filter.url: documents without a URL', () => {
  it.each([undefined, null, '', 42])('keeps or drops %j as asked', (address) => {
    expect(judge({ domains: ['x.com'] })(address)).toBe('keep');
    expect(judge({ domains: ['x.com'], missingUrl: 'drop' })(address)).toBe('no_url');
  });

  it('reads the field that it is told, also inside another', () => {
    const stage = stageOf(url, { urlField: 'warc.uri', domains: ['x.com'] });
    expect(stage('', { meta: { warc: { uri: 'http://x.com/' } } }).verdict).toBe('domain');
    expect(stage('', { meta: { 'warc.uri': 'http://x.com/' } }).verdict).toBe('domain');
  });
});
