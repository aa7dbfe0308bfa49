import { describe, expect, it } from 'vitest'
import { maskEntry } from './secrets.ts'

const token = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'

describe('maskEntry', () => {
  it('masks by name, by shape, after options and in addresses', () => {
    const entry = {
      command: 'npx',
      args: [
        '--api-key',
        'k',
        '--token=t',
        '--header',
        `Authorization: Bearer ${token}`,
        token,
        '--key',
        '-v',
      ],
      env: {
        API_KEY: 'a',
        LEVEL: 'debug',
        PASSWORD: '${PASSWORD}',
        MY_SECRET: '${X:-default}',
        OTHER: token,
      },
      headers: { Authorization: 'Bearer ${TOKEN}', 'X-Api-Key': 'b', Accept: '*/*' },
      url: 'https://me:hunter2pass@example.com/s/abcdefghijklmnop0123456789/mcp?api_key=c&lang=de&id=${ID}',
      timeouts: { requestSeconds: 5 },
    }
    expect(maskEntry(entry)).toEqual({
      masked: {
        command: 'npx',
        args: ['--api-key', '•••', '--token=•••', '--header', 'Authorization: •••', '•••', '--key', '-v'],
        env: { API_KEY: '•••', LEVEL: 'debug', PASSWORD: '${PASSWORD}', MY_SECRET: '•••', OTHER: '•••' },
        headers: { Authorization: 'Bearer ${TOKEN}', 'X-Api-Key': '•••', Accept: '*/*' },
        url: 'https://•••@example.com/s/•••/mcp?api_key=•••&lang=de&id=${ID}',
        timeouts: { requestSeconds: 5 },
      },
      secrets: [
        ...['args[1]', 'args[2]', 'args[4]', 'args[5]', 'env.API_KEY', 'env.MY_SECRET', 'env.OTHER'],
        ...['headers.X-Api-Key', 'url'],
      ],
    })
  })

  it('leaves alone what only mentions secrets', () => {
    const entry = {
      command: '/usr/bin/token-server',
      args: ['--token-file', '/run/token', 'https://example.com/mcp', '--auth', '${AUTH}', 'C:\\keys'],
      env: { TOKEN_COUNT: '5', USE_AUTH: 'true', KEY: '', NODE_ENV: 'production' },
      headers: { Authorization: 'Bearer $${input:key}', 'X-Api-Key': '{file:~/.key}' },
    }
    expect(maskEntry(entry)).toEqual({ masked: entry, secrets: [] })
  })

  it.each([
    ['--config', '{"exaApiKey":"LEAK"}'],
    ['--config-json={"token":"LEAK","level":"debug"}'],
    ['--x={\\"token\\":\\"LEAK\\"}'],
    ['{"password": "LEAK\\"LEAK", "user": "me"}'],
    ['--env=API_KEY=LEAK'],
    ['-eAPI_KEY=LEAK'],
    ['-c', 'cd /x && API_KEY=LEAK node s.js'],
    ['-c', "PASSWORD='LEAK LEAK' node s.js"],
    ['Server=db;User Id=sa;Password=LEAK;Encrypt=true'],
    ['Server=db;Uid=sa;Pwd=LEAK;'],
    ['--token', '-LEAK'],
    ['postgres://u:LEAK@LEAK@h/db'],
    ['postgresql+asyncpg://u:LEAK@LEAK@h/db'],
    ['jdbc:postgresql://h/db?user=me&password=LEAK'],
    ['--url=${API_KEY:-LEAK}'],
    ['mysql', '-u', 'me', '-pLEAK'],
  ])('masks what real entries have as arguments: %j %j', (...args) => {
    const { masked, secrets } = maskEntry({ command: 'x', args, env: { DATABASE: args.at(-1) } })
    expect(JSON.stringify(masked['args'])).not.toContain('LEAK')
    expect(secrets).toContain(`args[${args.length - 1}]`)
  })

  it('masks no more of a text than its secrets', () => {
    const args = ['{"token":"a","level":"debug"}', 'cd /x && API_KEY=k node s.js', 'postgres://u:a@b@h/db']
    expect(maskEntry({ args }).masked).toEqual({
      args: ['{"token":"•••","level":"debug"}', 'cd /x && API_KEY=••• node s.js', 'postgres://•••@h/db'],
    })
    const harmless = [
      '${TOKEN:-}',
      '{"auth":{"user":"me"},"token":"${TOKEN}","auth":true}',
      '-p80:80',
      '--x=${API_KEY}',
    ]
    expect(maskEntry({ args: harmless })).toEqual({ masked: { args: harmless }, secrets: [] })
  })

  it('takes little time for long texts', () => {
    const start = performance.now()
    for (const part of [
      '${',
      'https://?',
      'https://a/',
      '--key=',
      'a?',
      '$',
      'a=',
      'key:',
      '"',
      '\\',
      '-',
      ' ',
      'key="\\',
    ]) {
      maskEntry({ args: [part.repeat(50_000), `https://${part.repeat(50_000)}`] })
    }
    expect(performance.now() - start).toBeLessThan(5000)
  })
})
