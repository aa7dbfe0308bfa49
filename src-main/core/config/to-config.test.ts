import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { configSchema } from './schema/config-schema.ts'
import { toConfig } from './to-config.ts'

const base = path.resolve('/base')

function transportOf(server: Record<string, unknown>) {
  return toConfig(
    configSchema.parse({ version: 1, servers: { s: { type: 'stdio', ...server } } }),
    ['s'],
    base,
  ).servers[0]?.transport
}

describe('toConfig', () => {
  it('resolves a relative cwd against the folder of the file', () => {
    expect(transportOf({ command: 'node', cwd: '../x' })).toMatchObject({ cwd: path.resolve('/x') })
    expect(transportOf({ command: 'node', cwd: path.resolve('/y') })).toMatchObject({
      cwd: path.resolve('/y'),
    })
    expect(transportOf({ command: 'node' })).not.toHaveProperty('cwd')
  })

  it('resolves a command with a separator, against cwd where given, and leaves a bare name', () => {
    expect(transportOf({ command: './x' })).toMatchObject({ command: path.resolve('/base/x') })
    expect(transportOf({ command: 'bin/x', cwd: 'sub' })).toMatchObject({
      command: path.resolve('/base/sub/bin/x'),
    })
    expect(transportOf({ command: path.resolve('/bin/x') })).toMatchObject({
      command: path.resolve('/bin/x'),
    })
    expect(transportOf({ command: 'npx' })).toMatchObject({ command: 'npx' })
  })

  it('leaves what was not meant as a path as it is, so that the error can say so', () => {
    expect(transportOf({ command: 'node /x/y.mjs' })).toMatchObject({ command: 'node /x/y.mjs' })
    expect(transportOf({ command: '~/bin/x' })).toMatchObject({ command: '~/bin/x' })
    expect(transportOf({ command: './my folder/x' })).toMatchObject({
      command: path.resolve('/base/my folder/x'),
    })
  })

  it('leaves an address as it is written', () => {
    const url = 'HTTPS://Example.com:443/a%20b'
    expect(transportOf({ type: 'http', url })).toEqual({ type: 'http', url, headers: {} })
    expect(transportOf({ type: 'sse', url, headers: { A: '' } })).toEqual({
      type: 'sse',
      url,
      headers: { A: '' },
    })
  })

  it('never makes a server of what cannot run', () => {
    for (const type of ['http', 'sse']) {
      const endpoints = [{ url: 'http://h/' }]
      expect(() => transportOf({ type, endpoints })).toThrow(TypeError)
    }
    expect(() => transportOf({ type: 'tcp', host: 'h', port: 1 })).toThrow(TypeError)
  })
})
