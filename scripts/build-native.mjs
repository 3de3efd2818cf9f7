/**
 * Builds the native add-on (native/*.cc, native/tensor/*.cc → build/Release/corpusmill.node); npm's `install` script, so it must never fail
 * an installation: corpusmill runs without the add-on, only slower. Plain JavaScript, because it runs before anything
 * has been compiled.
 *
 *   node scripts/build-native.mjs [--force]
 *
 * Does nothing when CORPUSMILL_NATIVE=0, or when a binary loads and the sources are those it was built from. A failure
 * prints one line and exits 0; with --force (`npm run build:native`: the user asked for it) also the compiler's output, and
 * it exits 1. CORPUSMILL_NODE_GYP names another node-gyp.js.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const stampFile = join(root, 'build', 'corpusmill-sources.sha256');
const timeoutMs = 15 * 60_000;
const force = process.argv.includes('--force');
const require = createRequire(import.meta.url);

process.exitCode = main();

function main() {
  if (process.env.CORPUSMILL_NATIVE === '0' && !force) return 0;
  const stamp = sourcesHash();
  if (!force && loads() && upToDate(stamp)) return 0;

  const nodeGyp = findNodeGyp();
  if (nodeGyp === undefined) return fail('node-gyp was not found; it comes with npm (run this through npm)');
  const built = spawnSync(process.execPath, [nodeGyp, 'rebuild', '--jobs', 'max', ...nodeDir()], {
    cwd: root,
    // `npm ci --silent` would silence node-gyp too, and with it the cause of a failure.
    env: { ...process.env, npm_config_loglevel: 'notice' },
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: 64 << 20,
  });
  const output = `${built.stdout ?? ''}${built.stderr ?? ''}`.replace(/^gyp (info|http).*\n/gm, '');
  if (built.error !== undefined || built.status !== 0) return fail(reason(built, output), output);
  if (!loads()) return fail('it was compiled but does not load', output);
  writeFileSync(stampFile, `${stamp}\n`);
  return 0;
}

/** SHA-256 over everything the binary is made from, the Node ABI's stable N-API aside. */
function sourcesHash() {
  const hash = createHash('sha256');
  const sources = readdirSync(join(root, 'native'), { recursive: true })
    .map((name) => `native/${name.replaceAll('\\', '/')}`)
    .filter((path) => /\.(cc|h|inl)$/.test(path));
  for (const path of ['binding.gyp', ...sources.sort()]) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
  return hash.update(`${process.platform} ${process.arch}`).digest('hex');
}

/** True when no compiled binary is older than its sources; a prebuilt one was built from the sources it came with. */
function upToDate(stamp) {
  if (existsSync(stampFile)) return readFileSync(stampFile, 'utf8').trim() === stamp;
  return existsSync(join(root, 'prebuilds')) && !existsSync(join(root, 'build'));
}

/** True when the add-on can be loaded; asked in a child, so that a rebuilt file is not hidden by this process's own copy. */
function loads() {
  const script = `require(${JSON.stringify(require.resolve('node-gyp-build'))})(${JSON.stringify(root)}).minhashPaths()`;
  return spawnSync(process.execPath, ['-e', script], { stdio: 'ignore' }).status === 0;
}

/** npm tells its scripts where its node-gyp lies; outside npm the one bundled with this Node's npm will do. */
function findNodeGyp() {
  const prefix = dirname(dirname(process.execPath));
  const besideNpm = (npm) => join(npm, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const candidates = [
    process.env.CORPUSMILL_NODE_GYP,
    process.env.npm_config_node_gyp,
    process.env.npm_execpath && besideNpm(resolve(process.env.npm_execpath, '..', '..')),
    besideNpm(join(prefix, 'lib', 'node_modules', 'npm')),
    besideNpm(join(prefix, 'node_modules', 'npm')),
    besideNpm(join(dirname(process.execPath), 'node_modules', 'npm')),
  ];
  return candidates.find((path) => path && existsSync(path));
}

/** Node's headers beside the running Node, where its distribution has them: saves a download, so it works offline. */
function nodeDir() {
  if (process.env.npm_config_nodedir || process.platform === 'win32') return [];
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'common.gypi')) ? [`--nodedir=${prefix}`] : [];
}

/** The cause in the user's words, from what node-gyp or the compiler said. */
function reason(built, output) {
  if (built.error?.code === 'ETIMEDOUT') return `it took more than ${timeoutMs / 60_000} minutes`;
  if (/ERR! find Python|Could not find any Python/i.test(output)) return 'Python 3 was not found (node-gyp needs it)';
  if (/not found: make|spawn make ENOENT|Could not find any Visual Studio/i.test(output)) {
    return 'no compiler or `make` was found';
  }
  if (/(g\+\+|c\+\+|clang\+\+|cc)['"]?: (not found|No such file|command not found)/i.test(output)) {
    return 'no C++ compiler was found';
  }
  if (/std=c\+\+20|c\+\+20/i.test(output) && /unrecognized|unknown|invalid value/i.test(output)) {
    return 'the C++ compiler is too old for C++20';
  }
  if (/ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|network/i.test(output)) {
    return 'Node.js headers could not be downloaded (set npm_config_nodedir to a folder that has include/node)';
  }
  const lines = output.split('\n');
  const line = lines.find((text) => /error: /i.test(text)) ?? lines.find((text) => /error/i.test(text));
  return line === undefined ? `node-gyp ended with ${built.status ?? built.signal}` : line.trim().slice(0, 200);
}

function fail(why, output = '') {
  if (force && output !== '') process.stderr.write(`${output.trimEnd()}\n`);
  process.stderr.write(
    `corpusmill: the native add-on was not built: ${why}. corpusmill works without it, with slower TypeScript kernels; ` +
      'to get it, install Python 3, make and a C++20 compiler (Debian: apt install python3 make g++; macOS: ' +
      'xcode-select --install) and run `npm run build:native`.\n',
  );
  return force ? 1 : 0;
}
