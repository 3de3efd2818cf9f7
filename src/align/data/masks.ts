/** What of a conversation is trained on: `assistant-only` what the assistant says, `qwen` what Qwen's finetune.py trains. */
export const MASKS = ['assistant-only', 'qwen'] as const;
export type Mask = (typeof MASKS)[number];
