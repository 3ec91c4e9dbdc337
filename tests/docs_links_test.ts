// Tests that the documents' links lead somewhere and docs/README.md lists all guides.
import { assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);
const guides = Array.from(
  Deno.readDirSync(new URL("docs/", ROOT)),
  ({ name }) => name,
).filter((name) => name.endsWith(".md"));

/** Returns the relative links of a document. */
function linksOf(document: URL): string[] {
  const text = Deno.readTextFileSync(document);
  const links = Array.from(text.matchAll(/\]\(([^)]+)\)/g), ([, link]) => link);
  return links.filter((link) => !/^https?:/.test(link));
}

/** Returns the anchors that GitHub makes from the headings of a document. */
function anchorsOf(document: URL): string[] {
  const headings = Deno.readTextFileSync(document).matchAll(/^#+ (.+)$/gm);
  return Array.from(
    headings,
    ([, heading]) =>
      heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
  );
}

function leads(link: string, from: URL): boolean {
  const to = new URL(link, from);
  const anchor = to.hash.slice(1);
  to.hash = "";
  try {
    Deno.statSync(to);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  return anchor === "" || anchorsOf(to).includes(anchor);
}

for (const path of ["README.md", ...guides.map((name) => `docs/${name}`)]) {
  Deno.test(`the links of ${path} lead somewhere`, () => {
    const document = new URL(path, ROOT);
    const dead = linksOf(document).filter((link) => !leads(link, document));
    assertEquals(dead, []);
  });
}

Deno.test("docs/README.md has a link to every guide", () => {
  const linked = linksOf(new URL("docs/README.md", ROOT))
    .filter((link) => link.startsWith("./"))
    .map((link) => link.slice(2));
  const others = guides.filter((name) => name !== "README.md");
  assertEquals(linked.toSorted(), others.toSorted());
});
