import { describe, expect, it } from 'vitest';
import { compileTemplate, renderTemplate } from '../../src/io/template.ts';

const render = (template: string, record: Record<string, unknown>) => renderTemplate(compileTemplate(template), record);

describe('templates', () => {
  const alpaca = '{instruction}\n{input?}\n{output}';

  it('put fields where they are named', () => {
    expect(render(alpaca, { instruction: 'Add.', input: '2 and 3', output: '5' })).toEqual({
      text: 'Add.\n2 and 3\n5',
    });
  });

  it.each([[''], [null], [undefined]])('leave out a line whose optional fields are all empty (%j)', (input) => {
    expect(render(alpaca, { instruction: 'Add.', input, output: '5' })).toEqual({ text: 'Add.\n5' });
  });

  it('keep a line that says something beside an empty optional field', () => {
    expect(render('Q: {q?}\nA: {a}', { a: 'yes' })).toEqual({ text: 'Q: \nA: yes' });
  });

  it('take numbers and truth values as text, and leave braces in values alone', () => {
    expect(render('{a} {b} {c}', { a: 1, b: false, c: '{a} }} {' })).toEqual({ text: '1 false {a} }} {' });
  });

  it('write {{ and }} as braces', () => {
    expect(render('{{"q": "{q}"}}', { q: 'x' })).toEqual({ text: '{"q": "x"}' });
  });

  it.each([
    [{}, 'text field missing', /no field "output"; the record has: instruction/],
    [{ output: null }, 'text is not a string', /holds null/],
    [{ output: ['x'] }, 'text is not a string', /holds an array/],
    [{ output: { a: 1 } }, 'text is not a string', /holds an object/],
  ])('a record whose required field is unfit (%j) is bad, with the reason', (fields, reason, detail) => {
    expect(render(alpaca, { instruction: 'x', ...fields })).toEqual({ reason, detail: expect.stringMatching(detail) });
  });

  it('know own members only', () => {
    expect(render('{constructor}', {})).toMatchObject({ reason: 'text field missing' });
  });

  it.each([
    ['{open', /single '\{'/],
    ['close}', /single '\}'/],
    ['{}', /single '\{'/],
    ['no field', /no field/],
  ])('%j is no template', (text, message) => {
    expect(() => compileTemplate(text)).toThrow(message);
  });
});
