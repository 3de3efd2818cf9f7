/**
 * Builds the page of examples/browser into a folder that any static file server can serve: `dist/examples/browser`, or the
 * folder given. Two scripts without imports (page, worker), the page, its style, and a text to train on: the first chapters of
 * Moby-Dick (Melville 1851, public domain).
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { browserInput } from './browser-input.mjs';

const CHAPTERS = 12;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const from = join(root, 'examples', 'browser');
const to = resolve(process.argv[2] ?? join(root, 'dist', 'examples', 'browser'));

mkdirSync(to, { recursive: true });
for (const name of ['page', 'worker']) {
  const bundle = await rolldown({
    ...browserInput(root),
    input: join(from, `${name}.ts`),
    resolve: { alias: { 'corpusmill/training/browser': join(root, 'src', 'training', 'browser', 'index.ts') } },
  });
  await bundle.write({ file: join(to, `${name}.js`), format: 'esm', minify: true });
  await bundle.close();
}
for (const name of ['index.html', 'style.css']) copyFileSync(join(from, name), join(to, name));
const chapters = Array.from({ length: CHAPTERS }, (_, i) =>
  readFileSync(join(root, 'node_modules', '@stdlib', 'datasets-moby-dick', 'data', `chapter_${i + 1}.txt`), 'utf8'),
);
writeFileSync(join(to, 'text.txt'), chapters.map((chapter) => chapter.trim()).join('\n\n'));
console.log(
  `${to}: ready to be served, for example with\n  npx http-server ${to} -p 8080    or    python3 -m http.server -d ${to} 8080`,
);
