/** The npm package `stopword` has no types of its own: lists of words by ISO 639-3 code, among functions. */
declare module 'stopword' {
  const stopword: Record<string, readonly string[] | ((...args: never[]) => unknown)>;
  export default stopword;
}
