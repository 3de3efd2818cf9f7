/**
 * Traditional to simplified characters and back, by OpenCC's dictionaries (opencc-js): phrases first, so that 乾隆 keeps its
 * 乾 where 乾燥 becomes 干燥. Loaded when a pipeline asks for it: 0.1 MB to simplified, 1.1 MB to traditional.
 *
 * Cost: texts without a character that the dictionaries change are found by one table look-up a character.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { lazyPackage } from '../../core/lazy.ts';

type Convert = (text: string) => string;
interface OpenCc {
  Converter(options: { from: string; to: string }): Convert;
}

const TO = {
  simplified: { module: 'opencc-js/t2cn', from: 't', to: 'cn' },
  traditional: { module: 'opencc-js/cn2t', from: 'cn', to: 't' },
} as const;

export type Script = keyof typeof TO;

const loaded = new Map<Script, Convert>();

/** A function that converts a text; it gives back the same string when there is nothing to convert. */
export function createScriptConverter(script: Script): Convert {
  let convert = loaded.get(script);
  if (convert === undefined) {
    convert = withQuickLook(load(script));
    loaded.set(script, convert);
  }
  return convert;
}

function load(script: Script): Convert {
  const { module, from, to } = TO[script];
  try {
    return lazyPackage<OpenCc>(module)().Converter({ from, to });
  } catch (cause) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `script: ${script} needs the package opencc-js, which cannot be loaded`,
      {
        hint: 'Install it (npm install opencc-js), or leave script at keep.',
        cause,
      },
    );
  }
}

/** Converts only texts with a character that changes when it stands alone. */
function withQuickLook(convert: Convert): Convert {
  const changes = new Uint8Array(0x10000);
  // One text of all ideographs, each on its own line, so that they do not meet in phrases.
  const units = Array.from({ length: 0xa000 - 0x3400 }, (_, i) => 0x3400 + i);
  const converted = convert(units.map((unit) => String.fromCharCode(unit)).join('\n')).split('\n');
  for (let i = 0; i < units.length; i++) if (converted[i] !== String.fromCharCode(units[i])) changes[units[i]] = 1;
  return (text) => {
    for (let i = 0; i < text.length; i++) if (changes[text.charCodeAt(i)] !== 0) return convert(text);
    return text;
  };
}
