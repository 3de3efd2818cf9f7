import type { InputOptions } from 'rolldown';

export function browserInput(root: string): InputOptions;
