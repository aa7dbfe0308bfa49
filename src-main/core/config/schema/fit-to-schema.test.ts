import { describe, expect, it } from 'vitest'
import { codesOf, configOf, json, textsOf, textsOfServer, toml, yaml } from '../../../testing/config-texts.ts'

describe('tokens', () => {
  const env = { CMD: 'node', N: '7', T: 'true', SECRET: 'hush-hush', LEN: '64', V: '1' }

  it('are replaced before values are judged, in every format', () => {
    const wanted = { command: 'node', args: ['a7', '${N}'], env: { K: 'x' } }
    const results = [
      yaml(
        "version: 1\nservers: { s: { command: '${CMD}', args: ['a${N}', '$${N}'], env: { K: '${NONE:-x}' } } }",
        env,
      ),
      json(
        '{"version":1,"servers":{"s":{"command":"${CMD}","args":["a${N}","$${N}"],"env":{"K":"${NONE:-x}"}}}}',
        env,
      ),
      toml('version=1\n[servers.s]\ncommand="${CMD}"\nargs=["a${N}","$${N}"]\nenv.K="${NONE:-x}"', env),
    ]
    for (const result of results) expect(configOf(result).servers[0]?.transport).toMatchObject(wanted)
  })

  it('become numbers and booleans where those are wanted, when they are all of a text', () => {
    const config = configOf(
      yaml(
        `version: "\${V}"
servers:
  s:
    command: x
    args: ["\${N}", "\${T}"]
    enabled: \${F:-false}
    restart: { max: "\${N}", jitter: "\${T}" }
    timeouts: { connectSeconds: "\${C:-2.5}" }
gateway: { maxToolNameLength: "\${LEN}" }
`,
        env,
      ),
    )
    expect(config).toMatchObject({
      servers: [
        {
          enabled: false,
          transport: { args: ['7', 'true'] },
          restart: { max: 7, jitter: true },
          timeouts: { connectSeconds: 2.5 },
        },
      ],
      gateway: { maxToolNameLength: 64 },
    })
  })

  it('stay text otherwise', () => {
    expect(textsOfServer("{ command: x, restart: { max: '1${N}' } }", env)).toEqual([
      '/base/c.yaml:3:36 servers.s.restart.max: Expected a whole number from 0, but this is text.',
    ])
    expect(textsOfServer("{ command: x, enabled: '${N}' }", env)).toEqual([
      '/base/c.yaml:3:29 servers.s.enabled: Expected true or false, but this is text.',
    ])
  })

  it('never bring what they stand for into a problem', () => {
    const server = `{ type: '\${SECRET}', command: x }`
    const other = `{ command: x, isolation: '\${SECRET}', restart: { max: '\${SECRET}' }, fallbacks: [{ url: '\${SECRET}' }] }`
    const texts = [...textsOfServer(server, env), ...textsOfServer(other, env)]
    expect(texts).toHaveLength(4)
    expect(texts.join('\n')).not.toContain('hush')
    // Not even what it is like.
    expect(textsOfServer("{ command: x, isolation: '${S}' }", { S: 'share' })[0]).not.toContain(
      'did you mean',
    )
  })

  it('that fail are reported once, with their line', () => {
    expect(
      textsOf(
        yaml("version: 1\nservers:\n  s:\n    command: '${NONE}'\n    args: ['${A:?is needed}', '${']\n"),
      ),
    ).toEqual([
      '/base/c.yaml:4:14 servers.s.command: The environment variable NONE is not set; expected it to be set, or a default as in ${NONE:-default}.',
      '/base/c.yaml:5:12 servers.s.args[0]: The environment variable A is missing: is needed',
      '/base/c.yaml:5:31 servers.s.args[1]: A ${ has no closing }; for a plain ${ write $${.',
    ])
    expect(codesOf(yaml("version: '${NONE}'\nservers: '${NONE}'"))).toEqual([
      'missing-variable',
      'missing-variable',
    ])
    expect(codesOf(yaml("version: 1\nservers: { s: { type: '${NONE}', x: 1 } }"))).toEqual([
      'missing-variable',
    ])
    expect(codesOf(yaml("version: 1\nservers: { s: '${NONE}' }"))).toEqual(['missing-variable'])
  })
})
