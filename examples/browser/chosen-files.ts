/** The files of a folder that somebody drops on the page or picks: of a folder its own files, not those of folders in it. */

export interface ChosenFiles {
  readonly name: string;
  readonly files: readonly File[];
}

/** Files of what was dropped: one folder, or files of one. */
export async function droppedFiles(transfer: DataTransfer): Promise<ChosenFiles> {
  // Entries must be taken at once: the list is empty after the event.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const folder = entries.length === 1 && entries[0].isDirectory ? (entries[0] as FileSystemDirectoryEntry) : undefined;
  const listed = folder === undefined ? entries : await entriesOf(folder);
  const files = await Promise.all(
    listed.filter((entry) => entry.isFile).map((entry) => fileOf(entry as FileSystemFileEntry)),
  );
  return { name: folder?.name ?? 'the dropped files', files };
}

/** Files of a folder picker (`webkitdirectory`), or of one of files. */
export function pickedFiles(list: FileList): ChosenFiles {
  const files = [...list].filter(({ webkitRelativePath: path }) => path.split('/').length <= 2);
  return { name: files[0]?.webkitRelativePath.split('/')[0] || 'the chosen files', files };
}

async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  // A call gives at most a hundred.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}
