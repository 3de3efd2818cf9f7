/**
 * Joins what the command line and its workers load into a few files, over those that the compiler left: finding and reading
 * some four hundred modules one by one took half of a worker's start (450 ms, 180 so). Packages that are large or bring
 * files of their own stay outside. Runs after the compiler, from sources, so that it may run again.
 */
import { rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What is run, and what the package exports: one build, so that all have the same classes. */
const ENTRIES = ['src/cli/main', 'workers/task', 'src/index', 'src/shards/index', 'src/tokenizer/tokenizer'];

/** What browsers get in place of modules that need Node. */
const IN_BROWSERS = {
  [join(root, 'src', 'core', 'native.ts')]: join(root, 'src', 'core', 'browser', 'native.ts'),
  [join(root, 'src', 'core', 'sha256.ts')]: join(root, 'src', 'core', 'browser', 'sha256.ts'),
  'node:fs/promises': join(root, 'src', 'tokenizer', 'browser', 'files.ts'),
};

/** Packages of many small files that every run needs, and what the bundler itself adds. */
const JOINED =
  /^(@oxc-project\/runtime|apache-arrow|flatbuffers|tslib|zod|yaml|commander|picocolors|tinyglobby|fdir|picomatch|fastest-levenshtein|hyparquet|hyparquet-writer|hyparquet-compressors|fzstd|xxhash-wasm|node-gyp-build)(\/|$)/;

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

// `corpusmill/tokenizer` for browsers: one file without imports. What it would take from Node is put in place, or an error.
const forBrowsers = await rolldown({
  cwd: root,
  input: join(root, 'src', 'tokenizer', 'tokenizer.ts'),
  platform: 'browser',
  logLevel: 'warn',
  plugins: [
    {
      name: 'browser',
      resolveId(source, importer) {
        const path = source.startsWith('.') ? resolve(dirname(importer), source) : source;
        if (Object.hasOwn(IN_BROWSERS, path)) return IN_BROWSERS[path];
        if (path.startsWith('node:')) throw new Error(`${importer} imports ${path}, which browsers do not have`);
        return null;
      },
    },
  ],
});
await forBrowsers.write({ file: join(root, 'dist', 'browser', 'tokenizer.js'), format: 'esm', minify: true });
await forBrowsers.close();
