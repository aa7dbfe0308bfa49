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

  it('takes little time for long texts', () => {
    const start = performance.now()
    for (const part of ['${', 'https://?', 'https://a/', '--key=', 'a?', '$']) {
      maskEntry({ args: [part.repeat(50_000), `https://${part.repeat(50_000)}`] })
    }
    expect(performance.now() - start).toBeLessThan(5000)
  })
})
