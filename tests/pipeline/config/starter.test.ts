import { describe, expect, it } from 'vitest';
import { parsePipeline } from '../../../src/pipeline/config/load.ts';
import { guessFields, starterPipeline } from '../../../src/pipeline/config/starter.ts';
import { fakeRegistry } from './fake-stages.ts';

describe('guessFields', () => {
  const long = 'word '.repeat(100);
  it('takes the field that is named as corpora name it', () => {
    const records = [
      { id: 1, content: long, note: long },
      { id: 2, content: long, note: long },
    ];
    expect(guessFields(records)).toMatchObject({ textField: 'content', idField: 'id' });
  });

  it('takes the longest field when no name is known, or when the known one is short', () => {
    expect(guessFields([{ title: 'x', page: long }])).toMatchObject({ textField: 'page', idField: undefined });
    expect(guessFields([{ text: 'label', html_text: long }])).toMatchObject({ textField: 'html_text' });
  });

  it('takes no id that repeats', () => {
    const records = [
      { id: 'a', url: 'u1', text: long },
      { id: 'a', url: 'u2', text: long },
    ];
    expect(guessFields(records)).toMatchObject({ idField: 'url' });
  });

  it('gives up where there are no strings', () => {
    expect(guessFields([{ a: 1 }])).toBeUndefined();
    expect(guessFields([])).toBeUndefined();
  });
});

describe('starterPipeline', () => {
  it('writes a pipeline that is valid as it stands', () => {
    const text = starterPipeline(
      {
        file: 'mine.yaml',
        name: 'mine',
        schemaPath: '../schema.json',
        inputs: [
          { name: 'a', path: 'data/*.jsonl', fields: { textField: 'body: x', idField: 'url', reason: 'a guess' } },
          { name: 'b', path: '*.txt', fields: undefined },
        ],
      },
      fakeRegistry,
    );
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=../schema.json');
    const pipeline = parsePipeline(text, '/w/mine.yaml', { registry: fakeRegistry, env: {}, cwd: '/w' });
    expect(pipeline.inputs).toMatchObject([
      { name: 'a', paths: ['/w/data/*.jsonl'], textField: 'body: x', idField: 'url' },
      { name: 'b', paths: ['/w/*.txt'], textField: 'text', idField: 'id' },
    ]);
    expect(pipeline.stages.map(({ name }) => name)).toEqual(['tokenizer.train', 'shards']);
  });

  it('stays valid when every commented line is switched on', () => {
    const inputs = [{ name: 'a', path: 'a.jsonl', fields: undefined }];
    const text = starterPipeline({ file: 'mine.yaml', name: 'mine', schemaPath: undefined, inputs }, fakeRegistry);
    const on = text.replaceAll(/^( *)# (output|limit|sample|- stage)(:.*)/gm, '$1$2$3');
    expect(on).not.toBe(text);
    const pipeline = parsePipeline(on, '/w/mine.yaml', { registry: fakeRegistry, env: {}, cwd: '/w' });
    expect(pipeline.inputs[0]).toMatchObject({ limit: 1000, sample: 0.01 });
  });
});
