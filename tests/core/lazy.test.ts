import { describe, expect, it } from 'vitest';
import { lazy, lazyPackage } from '../../src/core/lazy.ts';

describe('lazy', () => {
  it('makes its value when first asked for, and once', () => {
    let times = 0;
    const table = lazy(() => ({ times: ++times }));
    expect(times).toBe(0);
    expect(table()).toBe(table());
    expect(times).toBe(1);
  });

  it('tries again after a failure', () => {
    let times = 0;
    const flaky = lazy(() => {
      if (++times === 1) throw new Error('not yet');
      return 'made';
    });
    expect(flaky).toThrow('not yet');
    expect(flaky()).toBe('made');
  });
});

describe('lazyPackage', () => {
  it('gives what the package exports', () => {
    expect(lazyPackage<typeof import('tldts')>('tldts')().getDomain('https://www.example.co.uk/')).toBe(
      'example.co.uk',
    );
  });

  it('fails only when used where the package is missing', () => {
    const missing = lazyPackage('corpusmill-has-no-such-package');
    expect(missing).toThrow(/Cannot find module/);
  });
});
