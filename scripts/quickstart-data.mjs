/**
 * The one input of pipelines/quickstart.yaml that no reader takes as it lies: the Chinese documentation of Electron
 * (npm package `electron-i18n`, MIT), a single JSON object of HTML pages. Writes it as JSONL of plain text into
 * runs/quickstart-input/. The other inputs are read straight from node_modules.
 *
 * HTML to text is done the simple way here: block elements end a line, code samples are left out.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseHTML } from 'linkedom';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'runs', 'quickstart-input', 'electron-docs-zh.jsonl');
const BLOCKS = new Set(
  'ADDRESS ARTICLE BLOCKQUOTE DD DIV DL DT H1 H2 H3 H4 H5 H6 HR LI OL P SECTION TABLE TR UL'.split(' '),
);
const LEFT_OUT = new Set(['PRE', 'SCRIPT', 'STYLE']);
const TEXT_NODE = 3;

let source;
try {
  source = createRequire(import.meta.url).resolve('electron-i18n/dist/docs.json');
} catch {
  console.error('quickstart: the data packages are not installed; `npm ci` in a clone of the repository brings them');
  process.exit(1);
}
const pages = Object.values(JSON.parse(readFileSync(source, 'utf8'))['zh-CN']);
const lines = pages.map(({ slug, category, title, html }) => {
  const id = `${category}/${slug}`;
  return `${JSON.stringify({ id, text: textOf(html), title })}\n`;
});
const jsonl = lines.join('');
// An unchanged file keeps its time of change, so that a second run finds nothing to do.
if (!existsSync(target) || readFileSync(target, 'utf8') !== jsonl) {
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, jsonl);
}

/** The page's text, one line for each block element. */
function textOf(html) {
  const { document } = parseHTML(`<html><body>${html}</body></html>`);
  let text = '';
  const walk = (node) => {
    for (const child of node.childNodes) {
      if (child.nodeType === TEXT_NODE) text += child.data.replace(/\s+/g, ' ');
      else if (child.tagName === 'BR') text += '\n';
      else if (!LEFT_OUT.has(child.tagName)) {
        const block = BLOCKS.has(child.tagName);
        if (block) text += '\n';
        walk(child);
        if (block) text += '\n';
        else if (child.tagName === 'TD' || child.tagName === 'TH') text += ' ';
      }
    }
  };
  walk(document.body);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
}
