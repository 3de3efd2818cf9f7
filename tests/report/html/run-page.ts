/** A page with its script run, in a document without a browser. */
import { parseHTML } from 'linkedom';
import { PAGE_SCRIPT } from '../../../src/report/html/script.ts';

/** The document after loading; `open` fires what a browser does when a `<details>` is opened. */
export function runPage(page: string) {
  const { document, Event } = parseHTML(page);
  const environment = {
    document,
    location: { search: '', hash: '' },
    localStorage: { getItem: () => null, setItem() {} },
    matchMedia: () => ({ matches: false, addEventListener() {} }),
    navigator: {},
  };
  new Function(...Object.keys(environment), PAGE_SCRIPT)(...Object.values(environment));
  document.dispatchEvent(new Event('DOMContentLoaded'));
  return {
    document,
    open: (details: { dispatchEvent(event: unknown): unknown }) => void details.dispatchEvent(new Event('toggle')),
  };
}
