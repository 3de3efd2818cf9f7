/** Parsers of flag values. */
import { type Command, InvalidArgumentError, Option } from 'commander';

/** For flags that may be given several times. */
export function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (value: string) => number {
  return (value) => {
    if (/^\d+$/.test(value) && Number(value) >= least) return Number(value);
    throw new InvalidArgumentError(`expected a whole number of at least ${least}`);
  };
}

/** Of language models in ARPA files of other programs: how their tokens are made. */
export interface TokenFlags {
  tokens?: string;
  normalize?: string;
}

export function tokenOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--tokens <kind>', "of another program's .arpa: what its tokens are").choices([
        'words',
        'whitespace',
        'characters',
      ]),
    )
    .addOption(new Option('--normalize <form>', 'and what is done to texts before').choices(['none', 'ccnet']));
}

/** The option `arpa` of quality.score, where a flag says something of it. */
export function arpaOption({ tokens, normalize }: TokenFlags): Record<string, string> | undefined {
  if (tokens === undefined && normalize === undefined) return undefined;
  return { ...(tokens !== undefined && { tokens }), ...(normalize !== undefined && { normalize }) };
}
