/** `corpusmill tokenizer encode` and `decode`: one tokenizer tried on one text. */
import { Command } from 'commander';
import { CorpusmillError, EXIT } from '../core/errors.ts';
import type { CliContext, ExitCode } from './context.ts';
import { colorsFor, plural, print, printJson } from './print.ts';
import { loadTokenizerFile } from './tokenizer-file.ts';

const ENCODE_EXAMPLES = `
Without a text, or with -, the text is standard input. What looks like a special token is encoded as text.
A table has id, bytes of the text [from, to) and the token; bytes that are no text of their own are written <e4><bd>.

Examples:
  $ corpusmill tokenizer encode qwen/tokenizer.json 'Hello 世界'
  $ corpusmill tokenizer encode qwen/tokenizer.json --ids < page.txt`;

const DECODE_EXAMPLES = `
Without ids they are read from standard input: whole numbers with anything between them.

Examples:
  $ corpusmill tokenizer decode qwen/tokenizer.json 9707 220 99489
  $ corpusmill tokenizer encode qwen/tokenizer.json --ids < page.txt | corpusmill tokenizer decode qwen/tokenizer.json`;

interface EncodeFlags {
  ids?: boolean;
  json?: boolean;
}

export function tokenizerEncodeCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('encode')
    .description('show the tokens of a text: ids, places, pieces')
    .argument('<tokenizer>', 'a file or folder of any format that tokenizers come in')
    .argument('[text]', 'the text; default: standard input')
    .option('--ids', 'print the ids alone, on one line')
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', ENCODE_EXAMPLES)
    .action(async (path: string, text: string | undefined, flags: EncodeFlags) => {
      await encode(path, text, flags, context);
      setExitCode(EXIT.ok);
    });
}

export function tokenizerDecodeCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('decode')
    .description('the text of token ids')
    .argument('<tokenizer>', 'a file or folder of any format that tokenizers come in')
    .argument('[ids...]', 'the ids; default: standard input')
    .option('--skip-special', 'leave control tokens out')
    .addHelpText('after', DECODE_EXAMPLES)
    .action(async (path: string, ids: string[], flags: { skipSpecial?: boolean }) => {
      await decode(path, ids, flags.skipSpecial === true, context);
      setExitCode(EXIT.ok);
    });
}

async function encode(path: string, given: string | undefined, flags: EncodeFlags, context: CliContext): Promise<void> {
  const tokenizer = await loadTokenizerFile(path, context.cwd);
  const text = given === undefined || given === '-' ? await standardInput() : given;
  const ids = tokenizer.encode(text);
  if (flags.ids === true) {
    await print(context.stdout, `${ids.join(' ')}\n`);
    return;
  }
  const pieces = Array.from(ids, (id) => tokenizer.tokenBytes(id));
  const decoded = tokenizer.decode(ids);
  // SentencePiece's tokens begin with a space that the text does not have: places are those of the text.
  let at = Buffer.byteLength(decoded) - pieces.reduce((sum, piece) => sum + piece.length, 0);
  const tokens = pieces.map((piece, i) => {
    const start = Math.max(0, at);
    at += piece.length;
    return { id: ids[i], start, end: at, piece: shownBytes(piece) };
  });
  if (flags.json === true) {
    await printJson(context, { text, tokens, exact: decoded === text });
    return;
  }
  const colors = colorsFor(context.stdout, context.env);
  const width = String(at).length;
  const idWidth = String(tokenizer.vocabSize).length;
  for (const { id, start, end, piece } of tokens) {
    const place = `${String(start).padStart(width)}–${String(end).padEnd(width)}`;
    await print(context.stdout, `${String(id).padStart(idWidth)}  ${colors.dim(place)}  ${piece}\n`);
  }
  const perToken = ids.length === 0 ? '' : `, ${(at / ids.length).toFixed(2)} bytes a token`;
  await print(context.stdout, colors.dim(`${plural(ids.length, 'token')}, ${plural(at, 'byte')}${perToken}\n`));
}

async function decode(
  path: string,
  given: readonly string[],
  skipSpecial: boolean,
  context: CliContext,
): Promise<void> {
  const tokenizer = await loadTokenizerFile(path, context.cwd);
  const source = given.length > 0 ? given.join(' ') : await standardInput();
  const ids = (source.match(/[^\s,;[\]]+/g) ?? []).map((word) => {
    if (/^\d{1,10}$/.test(word)) return Number(word);
    throw new CorpusmillError('USAGE', `${JSON.stringify(word)} is no token id`, { hint: 'ids are whole numbers' });
  });
  await print(context.stdout, `${tokenizer.decode(ids, { skipSpecial })}\n`);
}

async function standardInput(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

/** A token in quotes, control characters escaped as in JSON; bytes that are not UTF-8 on their own in hexadecimal. */
function shownBytes(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return JSON.stringify(text).replaceAll(/[\x7f-\x9f]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
  } catch {
    return Array.from(bytes, (byte) => `<${byte.toString(16).padStart(2, '0')}>`).join('');
  }
}
