/**
 * The page's part for clusters: lists them a page at a time, filters by words, source and novelty, and when one is opened
 * shows the kept document beside a copy with the words marked in which they differ. The difference is computed here, by
 * the functions of word-diff.ts, whose source stands in the page.
 *
 * Everything from documents is set as text (`textContent`), never as markup.
 */
import { DIFF_PARTS } from '../word-diff.ts';

/** Clusters listed at first, and by each "Show more". */
const PAGE_SIZE = 50;

const diffSource = [
  ...Object.entries(DIFF_PARTS.constants).map(([name, value]) => `const ${name} = ${String(value)};`),
  ...DIFF_PARTS.functions.map((part) => part.toString()),
].join('\n');

export const CLUSTER_SCRIPT = `
${diffSource}
const showClusters = (view) => {
  const { sources, clusters } = JSON.parse(document.getElementById(view.dataset.clusters).textContent);
  const list = view.querySelector('ul');
  const status = view.querySelector('[role=status]');
  const more = view.querySelector('.more');
  const find = view.querySelector('input[type=search]');
  const from = view.querySelector('select');
  const onlyNew = view.querySelector('input[type=checkbox]');
  const make = (name, className, text) => {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const count = (n) => String(n).replace(/\\B(?=(\\d{3})+$)/g, ',');
  const bytes = (n) => {
    const units = ['B', 'kB', 'MB', 'GB', 'TB'];
    let unit = 0;
    while (n >= 999.5 && unit < 4) { n /= 1000; unit++; }
    return (unit === 0 || n >= 99.95 ? String(Math.round(n)) : n.toFixed(n < 9.995 ? 2 : 1)) + ' ' + units[unit];
  };
  const sizeOf = (text) => new TextEncoder().encode(text).length;
  const textOf = (members, i) => members[i][3] === 0 ? members[0][3] : members[i][3];

  const excerpt = (runs, text, skipped, wholeBytes, tag) => {
    if (wholeBytes === 0) return make('p', 'excerpt-none', '(empty document)');
    const pre = make('pre', 'excerpt');
    pre.dir = 'auto';
    const note = (words) => {
      const span = make('span', 'cut', words);
      span.dir = 'ltr';
      pre.append(span);
    };
    if (skipped > 0) note(count(skipped) + ' characters alike in all copies … ');
    for (const run of runs) pre.append(run.differs ? make(tag, '', run.text) : run.text);
    const rest = wholeBytes - sizeOf(text);
    if (rest > 0 && skipped === 0) note(' … ' + bytes(rest) + ' more');
    return pre;
  };
  const card = (member, isKept) => {
    const article = make('article', isKept ? 'member member-kept' : 'member');
    const header = make('header');
    header.append(make('span', 'badge', isKept ? 'kept' : member[4] ? 'new duplicate' : 'dropped'), ' ',
      make('code', 'id', member[0]), ' ', make('span', 'chip', sources[member[1]]), ' ',
      make('span', 'quiet', bytes(member[2])));
    article.append(header);
    return article;
  };
  const pair = ([, skipped, members], i) => {
    const base = textOf(members, 0);
    const kept = card(members[0], true);
    if (i === 0) {
      kept.append(excerpt([{ text: base }], base, skipped, members[0][2], 'del'));
      return [kept];
    }
    const text = textOf(members, i);
    const copy = card(members[i], false);
    const whole = (n) => skipped === 0 && members[n][2] <= sizeOf(textOf(members, n));
    if (text === base) {
      kept.append(excerpt([{ text: base }], base, skipped, members[0][2], 'del'));
      const same = whole(0) && whole(i) || members[0][2] === members[i][2];
      copy.append(make('p', 'same', same ? 'The same text.' : 'The same as far as it is shown.'));
      return [kept, copy];
    }
    const runs = diffPair(base, text, !whole(0) || !whole(i));
    kept.append(excerpt(runs.base, base, skipped, members[0][2], 'del'));
    copy.append(excerpt(runs.text, text, skipped, members[i][2], 'ins'));
    return [kept, copy];
  };
  const open = (cluster, body) => {
    const [size, , members] = cluster;
    const texts = make('div', 'members');
    const start = Math.max(members.findIndex((member) => member[4] === 1), members.length > 1 ? 1 : 0);
    if (members.length > 2) {
      const label = make('label', 'compare', 'Kept document beside ');
      const choice = make('select');
      members.forEach((member, i) => {
        if (i === 0) return;
        const option = make('option', '', member[0] + ' (' + sources[member[1]] + ', ' + bytes(member[2]) + (member[4] ? ', new' : '') + ')');
        option.value = String(i);
        option.selected = i === start;
        choice.append(option);
      });
      choice.addEventListener('change', () => texts.replaceChildren(...pair(cluster, Number(choice.value))));
      label.append(choice);
      body.append(label);
    }
    texts.append(...pair(cluster, start));
    body.append(texts);
    const rest = size - members.length;
    if (rest > 0) body.append(make('p', 'quiet', 'and ' + count(rest) + (rest === 1 ? ' more copy' : ' more copies')));
  };
  const row = (cluster) => {
    const [size, skipped, members] = cluster;
    const item = make('li');
    const details = make('details', 'fold');
    const summary = make('summary');
    const fresh = members.filter((member) => member[4] === 1).length;
    summary.append(make('b', '', count(size) + ' copies'), ' ');
    if (fresh > 0) summary.append(make('span', 'badge', fresh === 1 ? 'new' : count(fresh) + ' new'), ' ');
    const start = members[0][3].slice(0, 200).replace(/\\s+/g, ' ').trim().slice(0, 110);
    summary.append(make('span', 'quiet cluster-hint', (skipped > 0 ? '… ' : '') + start));
    const body = make('div', 'cluster-body');
    details.append(summary, body);
    details.addEventListener('toggle', () => open(cluster, body), { once: true });
    item.append(details);
    return item;
  };

  let texts;
  const wanted = () => {
    const words = find.value.toLowerCase().split(/\\s+/).filter((word) => word !== '');
    const source = Number(from.value || -1);
    const fresh = onlyNew !== null && onlyNew.checked;
    if (words.length > 0) texts ??= clusters.map(([, , members]) => members.map((member) => member[0] + ' ' + (member[3] || '')).join(' ').toLowerCase());
    return clusters.filter(([, , members], i) =>
      (source < 0 || members.some((member) => member[1] === source)) &&
      (!fresh || members.some((member) => member[4] === 1)) &&
      words.every((word) => texts[i].includes(word)));
  };
  let found = clusters;
  let shown = 0;
  const extend = (focus) => {
    const next = found.slice(shown, shown + ${PAGE_SIZE}).map(row);
    list.append(...next);
    shown += next.length;
    more.hidden = shown >= found.length;
    const all = found.length === clusters.length ? '' : ' found, of ' + count(clusters.length);
    status.textContent = found.length === 0 ? 'No cluster found.' : count(shown) + ' of ' + count(found.length) + all + (found.length === 1 && all === '' ? ' cluster' : ' clusters');
    if (focus && next.length > 0) next[0].querySelector('summary').focus();
  };
  const refresh = () => {
    found = wanted();
    shown = 0;
    list.replaceChildren();
    extend(false);
  };
  let waiting;
  find.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(refresh, 150); });
  from.addEventListener('change', refresh);
  if (onlyNew !== null) onlyNew.addEventListener('change', refresh);
  more.addEventListener('click', () => extend(true));
  view.hidden = false;
  extend(false);
};
`;
