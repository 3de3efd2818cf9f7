/**
 * Joins what the command line and its workers load into a few files, over those that the compiler left: finding and reading
 * some four hundred modules one by one took half of a worker's start (450 ms, 180 so). Packages that are large or bring
 * files of their own stay outside. Runs after the compiler, from sources, so that it may run again.
 */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { browserInput } from './browser-input.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What is run, and what the package exports: one build, so that all have the same classes. */
const ENTRIES = ['src/cli/main', 'workers/task', 'src/index', 'src/shards/index', 'src/tokenizer/tokenizer'];

/** `corpusmill/tokenizer` and `corpusmill/training/browser`, as pages get them. */
const FOR_BROWSERS = { tokenizer: 'tokenizer/tokenizer', training: 'training/browser/index' };

/** Packages of many small files that every run needs, and what the bundler itself adds. */
const JOINED =
  /^(@oxc-project\/runtime|apache-arrow|flatbuffers|tslib|zod|yaml|commander|picocolors|fastest-levenshtein|hyparquet|hyparquet-writer|hyparquet-compressors|fzstd|xxhash-wasm|node-gyp-build)(\/|$)/;

/** zod's messages in fifty languages are half of it, and a namespace that cannot be shaken off; ours are English. */
const englishZod = {
  name: 'english-zod',
  resolveId(source, importer) {
    const isLocales = source.endsWith('/locales/index.js') && /[\\/]zod[\\/]/.test(importer ?? '');
    return isLocales ? { id: `${join(dirname(importer), source)}?english` } : null;
  },
  load(id) {
    if (!id.endsWith('/locales/index.js?english')) return null;
    return `export { default as en } from ${JSON.stringify(id.replace('index.js?english', 'en.js'))};`;
  },
};

let rolldown;
try {
  ({ rolldown } = await import('rolldown'));
} catch {
  console.warn(
    'corpusmill: rolldown has no build for this machine; what the compiler left runs as it is, and starts slower.',
  );
  process.exit(0);
}

const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(ENTRIES.map((entry) => [entry, join(root, `${entry}.ts`)])),
  platform: 'node',
  external: (id) => !/^[./]/.test(id) && !JOINED.test(id),
  plugins: [englishZod],
  logLevel: 'warn',
});
rmSync(join(root, 'dist', 'chunks'), { recursive: true, force: true });
await bundle.write({
  dir: join(root, 'dist'),
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
});
await bundle.close();

// What the package has for browsers: files without imports. What they would take from Node is put in place, or an error.
for (const [name, entry] of Object.entries(FOR_BROWSERS)) {
  const forBrowsers = await rolldown({ ...browserInput(root), input: join(root, 'src', `${entry}.ts`) });
  await forBrowsers.write({ file: join(root, 'dist', 'browser', `${name}.js`), format: 'esm', minify: true });
  await forBrowsers.close();
}
