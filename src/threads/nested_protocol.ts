// What main and the outer one of two nested threads say to each other.

/** What the outer thread is to start, and with what. */
export interface ShellInit {
  entry: string;
  name: string;
  memoryLimit: number | undefined;
  /** By which main and the inner thread talk. */
  port: MessagePort;
  /** What is to be given up once the inner thread's code is loaded. */
  loans: Loan[];
}

/** A kind of permissions that is only lent for loading. */
export type Loan = "read" | "import";

/** What the outer thread tells: the inner one has failed. */
export interface ShellFailure {
  message: string;
  code: unknown;
}
