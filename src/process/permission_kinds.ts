// The kinds of Deno's permissions.

export const PERMISSIONS = [
  "read",
  "write",
  "net",
  "env",
  "run",
  "ffi",
  "import",
  "sys",
] as const;
