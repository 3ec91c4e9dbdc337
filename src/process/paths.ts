// Paths of files and their URLs, as far as they are needed here.

const IS_WINDOWS = Deno.build.os === "windows";

/** The path of a `file:` URL. */
export function fromFileUrl(url: URL): string {
  const path = decodeURIComponent(url.pathname.replaceAll("%2F", "%252F"));
  return IS_WINDOWS
    ? path.replaceAll("/", "\\").replace(/^\\([A-Za-z]:)/, "$1")
    : path;
}
