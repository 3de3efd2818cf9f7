/**
 * Input that cannot be read on: thrown inside src/io, turned into a `bad` chunk or record by whoever knows the file.
 * It never reaches the user as an exception.
 */
export class BrokenInput extends Error {
  override readonly name = 'BrokenInput';
  /** Short and stable, for counting: `truncated gzip`, `corrupt zstd` … */
  readonly reason: string;

  constructor(reason: string, detail: string) {
    super(detail);
    this.reason = reason;
  }
}
