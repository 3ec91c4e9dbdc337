// Both ends of a local TLS connection.
const read = (name: string) =>
  Deno.readTextFileSync(new URL(`./fixtures/tls/${name}`, import.meta.url));

/** Certificate of the authority that signed the server's certificate. */
export const authority = read("authority.pem");

/** Listens with a certificate for `localhost`. */
export function listenTls(): Deno.TlsListener {
  return Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: read("localhost.pem"),
    key: read("localhost.key"),
    alpnProtocols: ["spindle"],
  });
}

/** Returns a client's options; without the authority, it does not trust the server. */
export function clientOptions(caCerts: string[] = [authority]) {
  return { hostname: "localhost", caCerts, alpnProtocols: ["spindle"] };
}

/** Returns a client, which trusts the server by default, and the server. */
export async function tlsPair(
  caCerts?: string[],
): Promise<{ client: Deno.TlsConn; server: Deno.TlsConn }> {
  using listener = listenTls();
  const { port } = listener.addr;
  const [client, server] = await Promise.all([
    Deno.connectTls({ ...clientOptions(caCerts), port }),
    listener.accept(),
  ]);
  return { client, server };
}

/** Returns a client that has not started TLS, and a server that waits for it. */
export async function unshakenPair(): Promise<
  { client: Deno.TcpConn; server: Deno.TlsConn }
> {
  using listener = listenTls();
  const { port } = listener.addr;
  const [client, server] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port }),
    listener.accept(),
  ]);
  return { client, server };
}

/** Returns a client that trusts the server, and the server, after the handshake. */
export async function shakenPair(): Promise<
  { client: Deno.TlsConn; server: Deno.TlsConn }
> {
  const pair = await tlsPair();
  await Promise.all([pair.client.handshake(), pair.server.handshake()]);
  return pair;
}
