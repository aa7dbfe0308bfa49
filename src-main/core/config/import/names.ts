const longest = 31

/** Gives servers names that our configuration allows and that are not taken, capital letters or not. */
export class NameGiver {
  readonly #taken: Set<string>

  constructor(taken: Iterable<string>) {
    this.#taken = new Set(Array.from(taken, (name) => name.toLowerCase()))
  }

  /** Characters that are not allowed become `-`; a name that is taken gets `-2`, `-3` and so on. */
  give(wanted: string): string {
    const base = toAllowed(wanted)
    for (let number = 1; ; number += 1) {
      const suffix = number === 1 ? '' : `-${number}`
      const name = `${base.slice(0, longest - suffix.length).replace(/-+$/, '')}${suffix}`
      if (this.#taken.has(name.toLowerCase())) continue
      this.#taken.add(name.toLowerCase())
      return name
    }
  }
}

function toAllowed(wanted: string): string {
  if (wanted === '__proto__') return 'server'
  const start = wanted.replaceAll(/[^A-Za-z0-9-]/gu, '-').replace(/^-+/, '')
  return start.slice(0, longest).replace(/-+$/, '') || 'server'
}
