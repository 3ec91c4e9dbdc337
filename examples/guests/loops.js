// A guest that never ends, and lets nothing else in its process run.
export default async function loop() {
  await undefined;
  for (;;);
}
