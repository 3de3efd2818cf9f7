/**
 * Joins what the command line and its workers load into a few files, over those that the compiler left: finding and reading
 * some four hundred modules one by one took half of a worker's start (450 ms, 180 so). Packages that are large or bring
 * files of their own stay outside. Runs after the compiler, from sources, so that it may run again.
 */
import { rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
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

/** Notices of authors stay; a comment that begins so is one to the bundler. */
const notices = {
  name: 'notices',
  transform: (code) => code.replaceAll(/\/\*\*(?=(?:(?!\*\/)[\s\S])*Copyright)/g, '/*!'),
};

/** What each module imports, and the modules that `stage-loaders.ts` loads: known when all are read. */
const imports = new Map();
const stages = [];
const remember = {
  name: 'remember-imports',
  buildEnd() {
    for (const id of this.getModuleIds()) imports.set(id, this.getModuleInfo(id)?.importedIds ?? []);
    stages.push(...this.getModuleInfo(join(root, 'src/pipeline/stage-loaders.ts')).dynamicallyImportedIds);
  },
};

/** Modules of ours that are loaded with these, as a function that says so of one: first asked when all are read. */
function loadedWith(roots) {
  let found;
  return (id) => {
    found ??= new Set(roots().map((path) => resolve(root, path)));
    for (const one of found) for (const next of imports.get(one) ?? []) found.add(next);
    return found.has(id) && !id.includes('node_modules');
  };
}

/**
 * What is always loaded together lies together: a file costs half a millisecond, which main and each worker pay one after
 * another (of 190 files 110 could be spared). By itself the bundler makes one of every set of modules with the same users.
 * Bounds: what the help loads, what a worker has no use for, and what only one of the stages needs stay apart.
 */
function groups() {
  const help = loadedWith(() => ['main', 'run', 'dedup', 'commands'].map((name) => `src/cli/${name}.ts`));
  const tokenizer = loadedWith(() => ['src/tokenizer/tokenizer.ts']);
  const run = loadedWith(() => [
    'src/pipeline/config/load.ts',
    'src/pipeline/run.ts',
    'src/report/progress.ts',
    'src/report/train-progress.ts',
  ]);
  const worker = loadedWith(() => ['workers/task.ts']);
  const stage = loadedWith(() => stages);
  const report = loadedWith(() => ['src/report/index.ts', 'src/report/terminal.ts', 'src/cli/afterword.ts']);
  const ordered = [
    { name: 'base', test: (id) => (help(id) || tokenizer(id)) && (run(id) || worker(id)) },
    { name: 'threads', test: (id) => run(id) && (worker(id) || stage(id)) },
    { name: 'running', test: run },
    { name: 'arrow', test: /node_modules.(apache-arrow|flatbuffers|tslib)/ },
    { name: 'dedup', test: /src.dedup/, minShareCount: 3 },
    { name: 'report', test: (id) => report(id) && !help(id) },
  ];
  return ordered.map((group, at) => ({ ...group, priority: ordered.length - at }));
}

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
  plugins: [englishZod, notices, remember],
  logLevel: 'warn',
  checks: { ineffectiveDynamicImport: false },
  // What modules of one file take from others may be exported beside an entry's own: asked for by the groups below.
  preserveEntrySignatures: 'allow-extension',
});
rmSync(join(root, 'dist', 'chunks'), { recursive: true, force: true });
await bundle.write({
  dir: join(root, 'dist'),
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  // A single character beyond makes Node decode a file ten times slower, to twice the memory.
  charset: 'ascii',
  // Those of our own are in what the compiler left.
  comments: { jsdoc: false },
  codeSplitting: { includeDependenciesRecursively: false, groups: groups() },
});
await bundle.close();

// What the package has for browsers: files without imports. What they would take from Node is put in place, or an error.
for (const [name, entry] of Object.entries(FOR_BROWSERS)) {
  const forBrowsers = await rolldown({ ...browserInput(root), input: join(root, 'src', `${entry}.ts`) });
  await forBrowsers.write({ file: join(root, 'dist', 'browser', `${name}.js`), format: 'esm', minify: true });
  await forBrowsers.close();
}
