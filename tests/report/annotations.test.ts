import { describe, expect, it } from 'vitest';
import { codeQuality, githubAnnotations, type PlacedCopy } from '../../src/report/annotations.ts';

const COPY: PlacedCopy = {
  id: 'doc-2',
  file: 'data/a.jsonl',
  line: 12,
  stage: 'dedup.exact',
  method: 'exact',
  isNew: false,
  of: { id: 'doc-1', file: 'data/b.jsonl', line: 3 },
};

describe('workflow commands', () => {
  it('name file and line of a copy, and of what it is a copy of', () => {
    expect(githubAnnotations([COPY], 1, 'runs/dedup')).toBe(
      "::warning file=data/a.jsonl,line=12,title=Duplicate::'doc-2' is a copy of 'doc-1' (data/b.jsonl:3)\n",
    );
  });

  it('name the row where a format has no lines, and only the file where nothing more is known', () => {
    const table: PlacedCopy = {
      ...COPY,
      file: 'a.parquet',
      line: undefined,
      row: 7,
      method: 'near',
      isNew: true,
      of: { id: 'x', file: 'c.warc.gz' },
    };
    expect(githubAnnotations([table], 1, 'r')).toBe(
      "::warning file=a.parquet,title=New near-duplicate::'doc-2' (a.parquet, row 7) is a near copy of 'x' (c.warc.gz)\n",
    );
  });

  // The rules of the runner's own toolkit (actions/toolkit, command.ts): data escapes %, CR, LF; properties also `:` and `,`.
  it('cannot be broken by what stands in an id or a path', () => {
    const evil = { ...COPY, id: '100%\n::error::pwned', file: 'a,line=1:b%.jsonl' };
    const [line, rest] = githubAnnotations([evil], 1, 'r').split('\n');
    expect(rest).toBe('');
    expect(line).toContain('file=a%2Cline=1%3Ab%25.jsonl,');
    expect(line).toContain("'100%25");
    expect(line.match(/^::|(?<=\n)::/g)).toHaveLength(1);
  });

  it('stop at ten, as the runner does, and say how many there are', () => {
    const lines = githubAnnotations(Array<PlacedCopy>(30).fill(COPY), 1234, 'runs/dedup').trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('::warning'))).toHaveLength(10);
    expect(lines.at(-1)).toBe(
      '::notice title=corpusmill dedup::1,234 duplicates in all, of which 10 are shown at their files; all of them: runs/dedup',
    );
  });

  it('are none for no copies', () => {
    expect(githubAnnotations([], 0, 'r')).toBe('');
  });
});

describe('Code Quality', () => {
  it('has the members that GitLab asks for, and a fingerprint for each copy', () => {
    const entries = JSON.parse(codeQuality([COPY, { ...COPY, line: 13 }, { ...COPY, line: undefined, row: 4 }]));
    expect(entries[0]).toEqual({
      description: "'doc-2' is a copy of 'doc-1' (data/b.jsonl:3)",
      check_name: 'corpusmill/dedup.exact',
      fingerprint: expect.stringMatching(/^[\da-f]{16}$/),
      severity: 'minor',
      location: { path: 'data/a.jsonl', lines: { begin: 12 } },
    });
    expect(new Set(entries.map(({ fingerprint }: { fingerprint: string }) => fingerprint)).size).toBe(3);
    expect(entries[2].location.lines.begin).toBe(1);
    expect(JSON.parse(codeQuality([]))).toEqual([]);
  });
});
