/** Variables about us and the npm script that started us: no business of a server's. npm's settings are the user's. */
const ours =
  /^(?:PATCHBAY_|npm_(?:lifecycle|package)_|(?:npm_(?:command|execpath|node_execpath)|INIT_CWD|ELECTRON_RUN_AS_NODE)$)/

/** Variables of a process; Windows takes names that differ only in case for the same. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The environment of a server: what Patchbay inherited, without what is only about Patchbay, and its own on top. */
export function toChildEnvironment(
  inherited: Environment,
  own: Readonly<Record<string, string>>,
  platform: NodeJS.Platform = process.platform,
): Record<string, string | undefined> {
  const isReplaced = (name: string): boolean => findVariable(own, name, platform) !== undefined
  const kept = Object.entries(inherited).filter(([name]) => !ours.test(name) && !isReplaced(name))
  return { ...Object.fromEntries(kept), ...own }
}

/** The value of a variable, by the name that the platform takes for the same. */
export function findVariable(env: Environment, name: string, platform: NodeJS.Platform): string | undefined {
  if (platform !== 'win32') return Object.hasOwn(env, name) ? env[name] : undefined
  return Object.entries(env).find(([key]) => key.toUpperCase() === name.toUpperCase())?.[1]
}
