import { expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { product } from './product.ts'
import { toDataFolder } from './rendezvous.ts'

it('the product has the name and version of package.json', () => {
  expect([product.id, product.name, product.version]).toEqual([
    manifest.name,
    manifest.productName,
    manifest.version,
  ])
})

it('the shim, which cannot import the product, spells its folder and its variable alike', () => {
  const hints = { platform: 'linux', env: {}, home: '/home/me' }
  expect(toDataFolder(undefined, hints)).toBe(`/home/me/.config/${product.folder}`)
  expect(toDataFolder(undefined, { ...hints, env: { [product.homeVariable]: '/data' } })).toBe('/data')
})
