// Accepts on a port that it shares, and serves.
import { serveAndClose, type Work } from "../http.ts";
import { acceptAll } from "./listen.ts";
import { post, receive } from "./worker_scope.ts";

receive(({ port, work }: { port: number; work: Work }) => {
  const options = { hostname: "127.0.0.1", port, loadBalanced: true }; // untyped by Deno
  const listener = Deno.listen(options);
  post("ready");
  acceptAll(listener, (conn) => serveAndClose(conn, work));
});
