/**
 * Folders of a browser as byte sources: an address of the web, and files that somebody gave to a page. Both give Blobs, which
 * a browser keeps where it likes, on the disk where they are large; a tensor's bytes are in memory while it is read.
 *
 * A file of the web is fetched whole with one request: all of a model is read anyway, and neither ranges of bytes nor the
 * headers that tell their lengths come from every server.
 */
import { CorpusmillError } from '../core/errors.ts';
import { type ByteSource, endedEarly, type FileFolder } from './byte-source.ts';

/** A file of a page: a `File`, which says in which folder it was chosen. */
export interface NamedBlob extends Blob {
  readonly name: string;
  /** `folder/config.json` where a folder was chosen, or empty. */
  readonly webkitRelativePath?: string;
}

/** `received` of `total` bytes of a file have come; `total` is undefined where the server does not say. */
export type FetchProgress = (file: string, received: number, total: number | undefined) => void;

/** Bytes of a Blob. */
export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    byteLength: blob.size,
    async readInto(start, out) {
      const bytes = new Uint8Array(await arrayBufferOf(name, blob.slice(start, start + out.length)));
      if (bytes.length < out.length) throw endedEarly(name, start + bytes.length);
      out.set(bytes);
    },
    async close() {},
  };
}

/**
 * The files of one folder by their names, wherever they lie in what was chosen. Throws USAGE where two have one name, as when
 * a folder of several models was chosen. `name` names them together in messages.
 */
export function blobFolder(files: Iterable<NamedBlob>, name?: string): FileFolder {
  const byName = new Map<string, NamedBlob>();
  for (const file of files) {
    const other = byName.get(file.name);
    if (other !== undefined) {
      throw new CorpusmillError(
        'USAGE',
        `two of the files are called ${file.name}: ${pathIn(other)} and ${pathIn(file)}`,
        {
          hint: 'Choose the folder of one model, without folders in it.',
        },
      );
    }
    byName.set(file.name, file);
  }
  const [first] = byName.values();
  const folder = first === undefined ? '' : pathIn(first).split('/').slice(0, -1).join('/');
  return {
    name: name ?? (folder === '' ? 'the chosen files' : folder),
    pathOf: (file) => (folder === '' ? file : `${folder}/${file}`),
    async open(file) {
      const blob = byName.get(file);
      return blob && blobSource(pathIn(blob), blob);
    },
  };
}

/** A folder of the web. `open` throws INPUT_UNREADABLE where the server does not answer, refuses, or forbids other pages to read. */
export function webFolder(
  address: string | URL,
  options: { signal?: AbortSignal; onProgress?: FetchProgress } = {},
): FileFolder {
  const base = new URL(address);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const pathOf = (file: string): string => new URL(file, base).href;
  return {
    name: base.href,
    pathOf,
    async open(file) {
      const url = pathOf(file);
      const blob = await fetchBlob(url, options.signal, (received, total) =>
        options.onProgress?.(file, received, total),
      );
      return blob && blobSource(url, blob);
    },
  };
}

function pathIn(file: NamedBlob): string {
  return file.webkitRelativePath === undefined || file.webkitRelativePath === '' ? file.name : file.webkitRelativePath;
}

async function arrayBufferOf(name: string, blob: Blob): Promise<ArrayBuffer> {
  try {
    return await blob.arrayBuffer();
  } catch (error) {
    throw new CorpusmillError('INPUT_UNREADABLE', `reading ${name}: ${(error as Error).message}`, {
      hint: 'The file was moved or changed since it was chosen, or it is no file: choose it again.',
      cause: error,
    });
  }
}

async function fetchBlob(
  url: string,
  signal: AbortSignal | undefined,
  onProgress: (received: number, total: number | undefined) => void,
): Promise<Blob | undefined> {
  try {
    const response = await fetch(url, signal === undefined ? {} : { signal });
    if (response.status === 404 || response.status === 410) return undefined;
    if (!response.ok) throw new Error(`the server answers ${response.status} ${response.statusText}`.trimEnd());
    // Servers of single pages answer with their page for what they do not have.
    if (response.headers.get('content-type')?.startsWith('text/html') === true) return undefined;
    const length = response.headers.get('content-length');
    // The length of a compressed answer is not that of the file.
    const isWhole = length !== null && response.headers.get('content-encoding') === null;
    const total = isWhole ? Number(length) : undefined;
    let received = 0;
    const counted = response.body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          received += chunk.length;
          onProgress(received, total);
          controller.enqueue(chunk);
        },
      }),
    );
    return await new Response(counted ?? null).blob();
  } catch (error) {
    if (signal?.aborted === true) throw new CorpusmillError('INTERRUPTED', `fetching ${url}: interrupted`);
    throw new CorpusmillError('INPUT_UNREADABLE', `fetching ${url}: ${(error as Error).message}`, {
      hint: 'Is the address right, and does its server allow pages of other origins to read it (CORS)?',
      cause: error,
    });
  }
}
