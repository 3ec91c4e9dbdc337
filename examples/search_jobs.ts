// The job of examples/search.ts: a generator, whose values reach the caller one by one.

export interface Hit {
  path: string;
  line: number;
  content: string;
}

/** Gives each line that has the text, as it is found. */
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
    // Also when the caller has left its loop.
    console.log(`Searched ${files} files.`);
  }
}

/** All files, but those in folders that are hidden. Links are not followed. */
function* filesIn(folder: string): Generator<string> {
  const entries = [...Deno.readDirSync(folder)];
  for (const { name, isFile, isDirectory } of entries) {
    if (isFile) yield `${folder}/${name}`;
    if (isDirectory && !name.startsWith(".")) {
      yield* filesIn(`${folder}/${name}`);
    }
  }
}

/** The text of a file, if it is one, and may be read. */
function read(path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true })
      .decode(Deno.readFileSync(path));
  } catch (error) {
    if (error instanceof TypeError) return ""; // no text
    console.error(`${path}: ${error}`);
    return "";
  }
}
