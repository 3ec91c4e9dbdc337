// The job of examples/search.ts: a generator that the caller reads value by value.

export interface Hit {
  path: string;
  line: number;
  content: string;
}

/** Yields each line that contains the text, as soon as it is found. */
export function* search(text: string, folder: string): Generator<Hit> {
  let files = 0;
  try {
    for (const path of filesIn(folder)) {
      files++;
      const lines = read(path).split("\n");
      for (const [i, content] of lines.entries()) {
        if (content.includes(text)) yield { path, line: i + 1, content };
      }
    }
  } finally {
    // Also runs when the caller leaves its loop.
    console.log(`Searched ${files} files.`);
  }
}

/** Yields all files except those in hidden folders. Does not follow links. */
function* filesIn(folder: string): Generator<string> {
  const entries = [...Deno.readDirSync(folder)];
  for (const { name, isFile, isDirectory } of entries) {
    if (isFile) yield `${folder}/${name}`;
    if (isDirectory && !name.startsWith(".")) {
      yield* filesIn(`${folder}/${name}`);
    }
  }
}

/** Returns the text of a file, or an empty text if it cannot be read as text. */
function read(path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true })
      .decode(Deno.readFileSync(path));
  } catch (error) {
    if (error instanceof TypeError) return ""; // not text
    console.error(`${path}: ${error}`);
    return "";
  }
}
