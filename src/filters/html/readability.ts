/**
 * The `readability` engine: Mozilla's Readability (the reader view of Firefox) over linkedom's document. About an eighth of
 * the fast engine's speed. Loaded when first asked for: a run that does not use it does not pay for it.
 */
import { lazyPackage } from '../../core/lazy.ts';
import { layOut, type Run } from './runs.ts';
import { parsePage, type TreeLimits } from './tree.ts';

interface Article {
  content?: string | null;
}
type ReadabilityClass = new (document: unknown, options?: { charThreshold?: number }) => { parse(): Article | null };

const mozilla = lazyPackage<{ Readability: ReadabilityClass }>('@mozilla/readability');
const linkedom = lazyPackage<{ parseHTML: (html: string) => { document: unknown } }>('linkedom');

/** The runs of the article that Readability finds, or none. */
export function readabilityRuns(html: string, limits: TreeLimits, keepLinks: boolean): Run[] {
  const { Readability } = mozilla();
  // linkedom makes no body of its own around a fragment.
  const whole = /<body[\s>]/i.test(html) ? html : `<!doctype html><html><body>${html}</body></html>`;
  const { document } = linkedom().parseHTML(whole);
  let article: Article | null = null;
  try {
    article = new Readability(document).parse();
  } catch {
    // Documents without an element it relies on: no article, as where it finds none.
  }
  const page = article?.content ? parsePage(article.content, limits) : undefined;
  return page === undefined ? [] : layOut(page.root, keepLinks).runs;
}
