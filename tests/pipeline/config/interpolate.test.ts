// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the references under test
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/pipeline/config/issues.ts';
import { parsePipeline } from '../../../src/pipeline/config/load.ts';
import { fakeRegistry } from './fake-stages.ts';

const parse = (text: string, env: NodeJS.ProcessEnv) =>
  parsePipeline(text, '/project/web.yaml', { registry: fakeRegistry, env, cwd: '/project' });

const pipelineWith = (path: string, more = '') => `inputs:\n  - path: ${path}\n    name: x${more}\nstages: [tidy]\n`;

function mistakes(text: string, env: NodeJS.ProcessEnv): string[] {
  try {
    parse(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n').slice(1);
    throw error;
  }
  throw new Error('the pipeline was accepted');
}

describe('${VAR} in values', () => {
  it.each([
    ['a variable', '${DIR}/a.txt', { DIR: '/data' }, '/data/a.txt'],
    ['two of them', '/${A}/${B}', { A: 'x', B: 'y' }, '/x/y'],
    ['a default for an unset one', '${DIR:-/tmp}/a', {}, '/tmp/a'],
    ['a default for an empty one, as in a shell', '${DIR:-/tmp}/a', { DIR: '' }, '/tmp/a'],
    ['an empty one without a default', '/a${DIR}', { DIR: '' }, '/a'],
    ['an empty default', '/a${DIR:-}', {}, '/a'],
    ['the escape', '/$${DIR}', { DIR: 'no' }, '/${DIR}'],
    ['a value that looks like a reference: not expanded again', '/${A}', { A: '${B}', B: 'no' }, '/${B}'],
    ['a dollar sign alone', '/$DIR/$', { DIR: 'no' }, '/$DIR/$'],
  ])('%s', (_, path, env, expected) => {
    expect(parse(pipelineWith(JSON.stringify(path)), env).inputs[0].paths).toEqual([expected]);
  });

  it('is read as YAML where it stands without quotes', () => {
    expect(parse(pipelineWith('a', '\n    limit: ${N:-10}'), {}).inputs[0].limit).toBe(10);
    expect(parse(pipelineWith('a', '\n    limit: ${N:-10}'), { N: '20' }).inputs[0].limit).toBe(20);
    expect(mistakes(pipelineWith('a', '\n    limit: "${N:-10}"'), {})).toEqual([
      "web.yaml:4:12: inputs.0.limit: found the string '10', expected a whole number of at least 1",
    ]);
  });

  it('is a mistake when unset without a default, once and with its place', () => {
    expect(mistakes(pipelineWith('${DATA}/a', '\n    limit: ${N}'), {})).toEqual([
      "web.yaml:2:11: inputs.0.path: found the environment variable DATA unset, expected it set, or a default: '${DATA:-…}'",
      "web.yaml:4:12: inputs.0.limit: found the environment variable N unset, expected it set, or a default: '${N:-…}'",
    ]);
  });

  it('is a mistake when it is no variable at all', () => {
    expect(mistakes(pipelineWith('"${MY-DIR}/a"'), {})).toEqual([
      "web.yaml:2:11: inputs.0.path: found '${MY-DIR}/a', expected '${NAME}' or '${NAME:-default}' ('$${' writes a literal '${')",
    ]);
  });

  it('is not looked for in keys', () => {
    expect(mistakes('inputs: [a]\nstages: [tidy]\n${X}: 1\n', { X: 'seed' })[0]).toContain("unknown key '${X}'");
  });
});
