import { describe, expect, it } from 'vitest';
import { corpusmillVersion } from '../../src/core/version.ts';
import { cli } from './cli.ts';

const COMMANDS = [
  ...['run', 'dedup', 'diff', 'quality', 'tokenizer', 'shards', 'export', 'validate', 'explain', 'stages', 'inspect'],
  ...['init', 'schema'],
];

describe('corpusmill', () => {
  it('--version prints the version', async () => {
    expect(await cli(['--version'])).toEqual({ code: 0, stdout: `${corpusmillVersion()}\n`, stderr: '' });
  });

  it('--help names every command, the exit codes and the environment', async () => {
    const { code, stdout, stderr } = await cli(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const word of [...COMMANDS, 'Exit codes:', '130 interrupted', 'CORPUSMILL_WORKERS', 'NO_COLOR', 'Examples:']) {
      expect(stdout).toContain(word);
    }
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it('alone shows its help on standard error and fails', async () => {
    const { code, stdout, stderr } = await cli([]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Usage: corpusmill [options] [command]');
  });

  it.each(COMMANDS)('%s --help has examples', async (command) => {
    const { code, stdout } = await cli([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: corpusmill ${command}`);
    expect(stdout).toContain(`$ corpusmill ${command}`);
    expect(await cli(['help', command])).toEqual({ code: 0, stdout, stderr: '' });
  });
});

describe('a mistaken command line exits with 2 and says what is near', () => {
  it.each<[string[], string]>([
    [['rnu'], "corpusmill: unknown command 'rnu'\nhint: did you mean run?\n"],
    [
      ['frobnicate'],
      "corpusmill: unknown command 'frobnicate'\nhint: `corpusmill --help` shows every command and option\n",
    ],
    [['run', 'a.yaml', '--wrkers', '2'], "corpusmill: unknown option '--wrkers'\nhint: did you mean --workers?\n"],
    [
      ['run'],
      "corpusmill: missing required argument 'pipeline'\nhint: `corpusmill --help` shows every command and option\n",
    ],
    [
      ['run', 'a', 'b'],
      "corpusmill: too many arguments for 'run'. Expected 1 argument but got 2.\nhint: `corpusmill --help` shows every command and option\n",
    ],
    [
      ['run', 'a.yaml', '--workers', 'two'],
      "corpusmill: option '-w, --workers <n>' argument 'two' is invalid. expected a whole number of at least 0\nhint: `corpusmill --help` shows every command and option\n",
    ],
    [
      ['inspect', 'x', '--limit', '0'],
      "corpusmill: option '-n, --limit <n>' argument '0' is invalid. expected a whole number of at least 1\nhint: `corpusmill --help` shows every command and option\n",
    ],
  ])('corpusmill %j', async (args, stderr) => {
    expect(await cli(args)).toEqual({ code: 2, stdout: '', stderr });
  });

  it('prints the error as JSON too when asked for JSON', async () => {
    const { code, stdout } = await cli(['stages', 'tidi', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'USAGE', message: "there is no stage 'tidi'", hint: "did you mean 'tidy'?" },
    });
  });

  it('prints a stack trace under CORPUSMILL_DEBUG=1 alone', async () => {
    const plain = await cli(['stages', 'tidi']);
    expect(plain.stderr).toBe("corpusmill: there is no stage 'tidi'\nhint: did you mean 'tidy'?\n");
    const debug = await cli(['stages', 'tidi'], { env: { CORPUSMILL_DEBUG: '1' } });
    expect(debug.stderr).toContain('\n    at ');
  });
});

describe('colours', () => {
  const red = '\u001b[31m';
  it.each<[string, boolean, NodeJS.ProcessEnv, boolean]>([
    ['a terminal has them', true, {}, true],
    ['a pipe has none', false, {}, false],
    ['NO_COLOR switches them off', true, { NO_COLOR: '1' }, false],
    ['FORCE_COLOR switches them on', false, { FORCE_COLOR: '1' }, true],
    ['NO_COLOR stands over FORCE_COLOR', true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['a dumb terminal has none', true, { TERM: 'dumb' }, false],
  ])('%s', async (_, isTTY, env, expected) => {
    let text = '';
    const stderr = { isTTY, write: (chunk: string) => (text += chunk) !== '', once: () => stderr };
    await cli(['stages', 'tidi'], { stderr, env });
    expect(text.includes(red)).toBe(expected);
  });
});
