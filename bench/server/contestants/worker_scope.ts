// A bare worker's end of its channel, for the files that are checked as main's are.

interface WorkerScope {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

const scope = globalThis as unknown as WorkerScope;

/** Hands on what main posts. */
export function receive<Message>(take: (message: Message) => void): void {
  scope.onmessage = ({ data }) => take(data);
}

/** Posts to main. */
export function post(message: unknown): void {
  scope.postMessage(message);
}
