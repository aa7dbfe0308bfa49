/** Variables of ours and of the package manager that started us: no business of a server's. */
const ours = /^(?:PATCHBAY_|npm_|INIT_CWD$|ELECTRON_RUN_AS_NODE$)/i

/** The environment of a server: what Patchbay inherited, without what is only about Patchbay, and its own on top. */
export function toChildEnvironment(
  inherited: Readonly<Record<string, string | undefined>>,
  own: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  return { ...Object.fromEntries(Object.entries(inherited).filter(([name]) => !ours.test(name))), ...own }
}
