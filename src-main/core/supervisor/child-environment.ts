/** Variables about us and the npm script that started us: no business of a server's. npm's settings are the user's. */
const ours =
  /^(?:PATCHBAY_|npm_(?:lifecycle|package)_|(?:npm_(?:command|execpath|node_execpath)|INIT_CWD|ELECTRON_RUN_AS_NODE)$)/

/** The environment of a server: what Patchbay inherited, without what is only about Patchbay, and its own on top. */
export function toChildEnvironment(
  inherited: Readonly<Record<string, string | undefined>>,
  own: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  return { ...Object.fromEntries(Object.entries(inherited).filter(([name]) => !ours.test(name))), ...own }
}
