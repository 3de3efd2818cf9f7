import { parseHTML } from 'linkedom';

/** `tag attribute attribute` for every kind of element on the page. */
export function kindsOfElements(page: string): Set<string> {
  const { document } = parseHTML(page);
  return new Set(
    [...document.querySelectorAll('*')].map((element) =>
      [element.localName, ...[...element.attributes].map((attribute) => attribute.name).sort()].join(' '),
    ),
  );
}
