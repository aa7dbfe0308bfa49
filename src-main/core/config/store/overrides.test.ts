import { describe, expect, it } from 'vitest'
import { configOf, json, textsOf, yaml } from '../../../testing/config-texts.ts'
import { applyOverrides, noOverrides, type Overrides } from './overrides.ts'
import { parseConfig } from '../read-config.ts'

const config = configOf(
  yaml(`version: 1
servers:
  files: { command: x, tools: { disabled: [delete] } }
  docs: { command: y, enabled: false }
`),
)

function overridesOf(servers: string): Overrides {
  const result = json(`{"version":1,"overrides":{"servers":${servers}}}`)
  if (!result.ok) throw new Error(textsOf(result).join('\n'))
  return result.overrides
}

describe('applyOverrides', () => {
  it('puts what is given in place of what the configuration says, and tells both', () => {
    const overrides = overridesOf(
      '{"files":{"enabled":false,"tools":{"disabled":[]}},"docs":{"enabled":true}}',
    )
    const { config: after, changes } = applyOverrides(config, overrides)
    expect(after.servers.map(({ name, enabled, tools }) => ({ name, enabled, tools }))).toEqual([
      { name: 'files', enabled: false, tools: { disabled: [] } },
      { name: 'docs', enabled: true, tools: { disabled: [] } },
    ])
    expect(changes).toEqual([
      { server: 'files', key: 'enabled', value: false, instead: true },
      { server: 'files', key: 'tools.disabled', value: [], instead: ['delete'] },
      { server: 'docs', key: 'enabled', value: true, instead: false },
    ])
  })

  it('changes nothing without any, by those that say the same, and for servers that are not there', () => {
    for (const overrides of [
      noOverrides,
      overridesOf('{}'),
      overridesOf('{"files":{},"docs":{"enabled":false}}'),
      overridesOf('{"files":{"tools":{"disabled":["delete"]}}}'),
      overridesOf('{"gone":{"enabled":true},"constructor":{"enabled":false}}'),
    ]) {
      expect(applyOverrides(config, overrides)).toEqual({ config, changes: [] })
    }
  })
})

describe('overrides in a file', () => {
  it('have a shape', () => {
    const text = `version: 1
overrides:
  servers:
    files: { enabled: 1, tools: { disable: [] } }
    a_b: {}
  server: {}
`
    expect(textsOf(yaml(text))).toEqual([
      '/base/c.yaml:4:23 overrides.servers.files.enabled: Expected true or false, but this is a number (quotes make it text).',
      '/base/c.yaml:4:35 overrides.servers.files.tools.disable: The key "disable" is not known here; did you mean "disabled"?',
      '/base/c.yaml:5:5 overrides.servers.a_b: This name cannot be used; expected a server name of up to 31 letters, digits and hyphens that begins with a letter or digit.',
      '/base/c.yaml:6:3 overrides.server: The key "server" is not known here; did you mean "servers"?',
    ])
  })

  it('may be all that counts of it', () => {
    const text =
      '{"version":1,"mcpServers":1,"servers":{"x":{"novelty":"${NONE}"}},"overrides":{"servers":{"x":{"enabled":false}}}}'
    const result = parseConfig(text, 'config.json', {}, 'overrides')
    expect(result).toMatchObject({ ok: true, config: { servers: [] } })
    expect(result.ok && [...result.overrides]).toEqual([['x', { enabled: false, disabledTools: undefined }]])
    expect(textsOf(parseConfig('{"version":1,"overrides":1}', 'config.json', {}, 'overrides'))).toHaveLength(
      1,
    )
    expect(textsOf(parseConfig('[]', 'config.json', {}, 'overrides'))).toHaveLength(1)
  })
})
