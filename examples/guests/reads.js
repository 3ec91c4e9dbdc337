// A guest that tries to read a file which is none of its business.
export default function read() {
  return Deno.readTextFileSync("/etc/passwd");
}
