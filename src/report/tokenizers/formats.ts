/** The files that a tokenizer report can be written as. */

export const TOKENIZER_REPORT_FORMATS = ['json', 'md', 'html'] as const;
export type TokenizerReportFormat = (typeof TOKENIZER_REPORT_FORMATS)[number];
