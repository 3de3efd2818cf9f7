/**
 * Reads ARPA files of any writer, plain or compressed (see arpa-writer.ts for the format). Bytes are parsed as they come, so that
 * a file of any size needs memory for its tables alone.
 *
 * Taken as KenLM takes them: fields divided by tabs or spaces, back-off weights left out where they are 0, `<UNK>` for `<unk>`,
 * no `<unk>` at all (its log10 p is then -100). Anything may stand before `\data\`. All else is an error with its line.
 * Speed: bench/ngram-lm.ts.
 */
import type { z } from 'zod';
import { CorpusmillError } from '../../core/errors.ts';
import { BrokenInput } from '../../io/broken-input.ts';
import { type ByteSource, openByteSource } from '../../io/codecs.ts';
import { ArpaParser, corruptModel } from './arpa-parser.ts';
import type { LanguageModelData } from './model.ts';
import { parseTokenForm, type tokenFormSchema } from './options.ts';

const BUFFER_BYTES = 1 << 22;
/** A line that is longer is none of an n-gram. */
const MOST_LINE_BYTES = 1 << 28;
const MAX_EXPANSION_RATIO = 1000;

/**
 * Reads a model. `form` says how texts are cut for it; files that were written here say it themselves, others must be told.
 * Throws INPUT_NOT_FOUND, INPUT_CORRUPT with the line, or CONFIG_INVALID when nobody says the form.
 */
export async function readArpa(path: string, form?: z.input<typeof tokenFormSchema>): Promise<LanguageModelData> {
  const given = form === undefined ? undefined : parseTokenForm(form);
  // Two n-grams that cannot be told apart may be one that stands twice, or two whose hashes are alike: another seed tells.
  let parser = await parseFile(path, 1);
  if (parser.repeatedAt > 0) parser = await parseFile(path, 2);
  const { vocabulary, tables, form: told } = parser.finish();
  const known = given ?? told;
  if (known === undefined) {
    throw new CorpusmillError('CONFIG_INVALID', `the language model ${path} does not say how texts are cut for it`, {
      hint: 'give `tokens` and `normalize` as they were for its corpus; `tokens: whitespace` for tokenized text',
    });
  }
  return { form: known, vocabulary, tables };
}

async function parseFile(path: string, seed: number): Promise<ArpaParser> {
  const source = await open(path);
  const { fileBytes, compression } = source;
  // One byte more: a last line may lack its newline.
  const mostBytes = (compression === 'none' ? fileBytes : fileBytes * MAX_EXPANSION_RATIO) + 1;
  const parser = new ArpaParser(path, seed, mostBytes);
  let buffer = Buffer.alloc(BUFFER_BYTES);
  let filled = 0;
  try {
    while (parser.repeatedAt === 0) {
      if (filled === buffer.length) {
        if (filled >= MOST_LINE_BYTES) throw corruptModel(path, parser.line + 1, 'a line that does not end');
        buffer = Buffer.concat([buffer, Buffer.alloc(buffer.length)]);
      }
      const read = await source.read(buffer.subarray(filled));
      filled += read;
      // A last line without its newline counts.
      if (read === 0 && filled > 0) buffer[filled++] = 0x0a;
      const taken = parser.take(buffer, filled);
      buffer.copyWithin(0, taken, filled);
      filled -= taken;
      if (read === 0) break;
    }
  } catch (error) {
    if (!(error instanceof BrokenInput)) throw error;
    throw corruptModel(path, parser.line + 1, `${error.reason}: ${error.message}`);
  } finally {
    await source.close();
  }
  return parser;
}

async function open(path: string): Promise<ByteSource> {
  try {
    return await openByteSource(path, MAX_EXPANSION_RATIO);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CorpusmillError('INPUT_NOT_FOUND', `cannot open the language model ${path}: ${reason}`, {
      hint: 'name an ARPA file, plain or compressed by gzip or zstd',
      cause: error,
    });
  }
}
