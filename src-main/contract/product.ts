import manifest from '../../package.json' with { type: 'json' }

/** Names and ids of the product: the one place where they are spelled. */
export const product = {
  name: 'Patchbay',
  id: 'patchbay',
  version: manifest.version,
  folder: 'Patchbay',
  homeVariable: 'PATCHBAY_HOME',
} as const
