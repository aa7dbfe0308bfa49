import { describe, expect, it } from 'vitest'
import { createRedactor, isSecretName, looksSecret } from './redact.ts'

describe('isSecretName', () => {
  it.each([
    ...['KEY', 'OPENAI_API_KEY', 'API_KEYS', 'apiKey', 'APIKey', 'X-Api-Key', '--api-key', 'KEY1'],
    ...['GITHUB_TOKEN', 'githubToken', 'authtoken', 'GITHUB_PERSONAL_ACCESS_TOKEN', 'GITHUB_PAT'],
    ...['CLIENT_SECRET', 'SECRETS', 'DB_PASSWORD', 'PGPASSWORD', 'DB_PASSWD', 'MYSQL_PWD', 'SMTP_PASS'],
    ...['AWS_CREDENTIALS', 'AUTH', 'Authorization', 'Proxy-Authorization', 'Cookie', 'Set-Cookie'],
    ...['PRIVATE_KEY', 'SENTRY_DSN', 'CONNECTION_STRING', 'connectionString', 'AZURE_CONNECTIONSTRING'],
    ...['AWS_SECRET_ACCESS_KEY', 'password', 'JWT', 'NEXT_PUBLIC_API_KEY'],
  ])('%s: yes', (name) => {
    expect(isSecretName(name)).toBe(true)
  })

  it.each([
    ...['', 'PATH', 'PWD', 'OLDPWD', 'KEYBOARD', 'MONKEY', 'AUTHOR', 'GIT_AUTHOR_NAME', 'PATTERN', 'BYPASS'],
    ...['PUBLIC_KEY', 'PUBLIC_KEY_PATH', 'TOKEN_FILE', 'SSH_AUTH_SOCK', 'AUTH_URL', 'KEY_ID', 'TOKEN_TYPE'],
    ...['MAX_TOKENS', 'TOKEN_LIMIT', 'TOKENIZERS_PARALLELISM', 'NODE_ENV', 'DATABASE_URL', 'CONNECTION'],
    ...['QUERY_STRING', 'GOOGLE_APPLICATION_CREDENTIALS', 'HOME', 'HOTKEY', 'EXPATRIATE', '__proto__'],
  ])('%s: no', (name) => {
    expect(isSecretName(name)).toBe(false)
  })
})

const a = (length: number): string => 'aB3d'.repeat(length).slice(0, length)

const tokens = [
  `sk-${a(48)}`,
  `sk-${'a'.repeat(48)}`,
  `sk-proj-${a(40)}`,
  `sk-ant-api03-${a(20)}_${a(20)}-AA`,
  `sk_live_${a(24)}`,
  ...['ghp', 'gho', 'ghs'].map((kind) => `${kind}_${a(36)}`),
  `github_pat_${a(22)}_${a(59)}`,
  `glpat-${a(20)}`,
  ...['a', 'b', 'p', 'r', 's'].map((kind) => `xox${kind}-1234567890-${a(24)}`),
  'AKIAIOSFODNN7EXAMPLE',
  `AIza${a(35)}`,
  `eyJ${a(20)}.eyJ${a(30)}.${a(43)}`,
  `eyJ${a(20)}.${a(30)}.`,
  `npm_${a(36)}`,
  `hf_${a(34)}`,
  `pypi-AgEIcHlwaS5vcmc${a(100)}`,
  `-----BEGIN RSA PRIVATE KEY-----\n${a(64)}\n-----END RSA PRIVATE KEY-----`,
  `-----BEGIN PRIVATE KEY-----\\n${a(64)}`,
]

describe('looksSecret', () => {
  it.each(tokens)('sees %s, alone and in other text', (token) => {
    expect(looksSecret(token)).toBe(true)
    expect(looksSecret(`--token=${token}`)).toBe(true)
    expect(looksSecret(`{"token":"${token}"}`)).toBe(true)
  })

  it.each([
    'Bearer 0123456789abcdef',
    'bearer abc.def-123',
    'Basic dXNlcjpwYXNz=',
    'postgres://me:hunter2@db/x',
    'redis://:hunter2@db',
    'postgres://u:AAA@BBB@h/db',
  ])('sees %s', (value) => {
    expect(looksSecret(value)).toBe(true)
  })

  it.each([
    ...['', 'production', '/home/me/data', 'https://example.com/a:b@c', 'http://localhost:3000?mail=a@b.c'],
    ...['https://example.com:8080/x', 'sk-learn-compatible-things', 'the task-list-of-a-whole-week-2026'],
    ...['pypi-server-for-local-packages', 'Bearer authentication required', 'Basic authentication', 'eyJust'],
    ...['-----BEGIN PUBLIC KEY-----', '-----BEGIN CERTIFICATE-----', 'npm_config_registry', 'hf_hub'],
    ...['@modelcontextprotocol/server-filesystem', '2f1c8a52-8d0e-4b57-9b0c-0242ac120002', 'ENGLISHAKIABCD'],
  ])('does not mind %s', (value) => {
    expect(looksSecret(value)).toBe(false)
  })
})

describe('createRedactor', () => {
  it.each(tokens)('takes %s out of a text', (token) => {
    expect(createRedactor({})(`it is "${token}" and`)).toMatch(/^it is "•••/)
    expect(createRedactor({})(`it is "${token}"`)).not.toContain(a(16))
  })

  it('leaves what stands around tokens', () => {
    const text = `get postgres://me:hunter2@db/x with Authorization: Bearer ${a(20)} or ghp_${a(36)}, please`
    expect(createRedactor({})(text)).toBe(
      'get postgres://•••@db/x with Authorization: Bearer ••• or •••, please',
    )
  })

  it('takes out the values of variables that are secret by name or looks, the longer ones first', () => {
    const redact = createRedactor({
      API_KEY: 'live-123456',
      OTHER_KEY: 'live-123456-more',
      NODE_ENV: 'production',
      PIN_TOKEN: '12345',
      DATABASE: 'postgres://me:hunter22@db',
    })
    expect(redact('live-123456-more live-123456 production 12345 hunter22')).toBe(
      '••• ••• production 12345 •••',
    )
  })

  it('takes out parts of a secret and how it is written in JSON and in a URL', () => {
    const line = 'Zm9vYmFyYmF6cXV4'
    const redact = createRedactor({
      KEY: `first\n${line}\nlast`,
      PASSWORD: 'a"b/c d+e',
      BAD_KEY: '\ud800aaaaaa',
    })
    expect(redact(`> ${line}`)).toBe('> •••')
    expect(redact('{"p":"a\\"b/c d+e"}')).toBe('{"p":"•••"}')
    expect(redact('?p=a%22b%2Fc%20d%2Be')).toBe('?p=•••')
  })

  it('takes a whole password out of a URL that has an @ in it', () => {
    expect(createRedactor({})('at postgres://u:AAA@BBB@h/db?x=a@b')).toBe('at postgres://•••@h/db?x=a@b')
    const redact = createRedactor({ DATABASE: 'postgres://u:AAA@BBB@h/db' })
    expect(redact('password AAA@BBB refused')).toBe('password ••• refused')
  })

  it.each([
    ...[['--api-key', 'hunter2-x'], ['--token=hunter2-x'], ['KEY=hunter2-x']],
    ...[['-e', 'API_KEY=hunter2-x'], ['--env=API_KEY=hunter2-x'], ['--header', 'X-Api-Key: hunter2-x']],
    ...[
      ['--config', '{"exaApiKey":"hunter2-x"}'],
      ['-c', 'cd /x && API_KEY=hunter2-x node s.js'],
    ],
    ...[['postgres://me:hunter2-x@db'], ['Server=db;Password=hunter2-x;']],
  ])('takes out secrets of arguments: %s %s', (...args) => {
    expect(createRedactor({}, { args })('it is hunter2-x')).toBe('it is •••')
  })

  it('takes out a secret of an argument that begins as an option does', () => {
    expect(createRedactor({}, { args: ['--token', '-hunter2-x'] })('it is -hunter2-x')).toBe('it is •••')
  })

  it('leaves other arguments', () => {
    const args = [
      '--api-key',
      '--verbose',
      'server.js',
      '--port',
      '808080',
      '--key-file=/home/me/key.pem',
      'a=b',
    ]
    expect(createRedactor({}, { args })(args.join(' '))).toBe(args.join(' '))
  })

  it('takes out secrets that are inherited', () => {
    const redact = createRedactor(
      {},
      { inherited: { OPENAI_API_KEY: 'hunter2-x', HOME: '/home/me', NONE: undefined } },
    )
    expect(redact('hunter2-x in /home/me')).toBe('••• in /home/me')
  })

  it.each([
    ['{"password":"hunter2","user":"me"}', '{"password":"•••","user":"me"}'],
    ['{"password": "a\\"b", "n": 1}', '{"password": "•••", "n": 1}'],
    ['{"text":"{\\"password\\":\\"hunter2\\"}"}', '{"text":"{\\"password\\":\\"•••\\"}"}'],
    ['{"pin_secret":123456,"token":null}', '{"pin_secret":•••,"token":null}'],
    ["{ apiKey: 'hunter2', port: 1 }", "{ apiKey: '•••', port: 1 }"],
    ['login password=hunter2, user=me', 'login password=•••, user=me'],
    ['GET /x?a=1&access_token=hunter2&b=2', 'GET /x?a=1&access_token=•••&b=2'],
    ['config="password=hunter2"', 'config="password=•••"'],
    ['--password="hunter2 and more" next', '--password="•••" next'],
    ['password = "hunter2"', 'password = "•••"'],
    ['password="hunter2', 'password="•••'],
  ])('takes out of %s what has a secret name', (text, masked) => {
    expect(createRedactor({})(text)).toBe(masked)
  })

  it.each([
    ...[
      'Invalid token: expected a string',
      'no such key: "servres"',
      'key=12',
      'input_tokens=512',
      'auth=none',
    ],
    ...[
      '{"password":""}',
      'token=',
      'password',
      'port=8080 name="x"',
      '{"total_tokens":1200}',
      'token = getToken()',
    ],
  ])('leaves %s', (text) => {
    expect(createRedactor({})(text)).toBe(text)
  })

  const prefixes = [
    ...[
      'password=',
      '"password":',
      'password="',
      '"password":"\\',
      '\\"',
      "token='a",
      'token:',
      'a=',
      '=',
      '://a:a@',
    ],
    ...[
      'sk-',
      'sk-a',
      'pypi-',
      'ghp_',
      'github_pat_',
      'glpat-',
      'xoxb-',
      'AKIA',
      'AIza',
      'eyJ',
      'eyJaaaaaa.',
    ],
    ...[
      'eyJ-',
      '.eyJaaaaa',
      'npm_',
      'hf_',
      '-----BEGIN ',
      '-----BEGIN PRIVATE KEY-----',
      '-----END PRIVATE ',
    ],
    ...[
      'Bearer ',
      'Basic\t',
      'bearer a',
      '://',
      '://a:',
      '://:',
      'a://a:a',
      ':',
      '@',
      'a.',
      'A',
      'a',
      ' ',
      '-',
    ],
  ]
  it.each(prefixes)('is quick with 1 MiB of %j', { timeout: 60_000 }, (prefix) => {
    const redact = createRedactor({})
    const time = process.cpuUsage()
    redact(prefix.repeat(2 ** 20 / prefix.length))
    isSecretName(prefix.repeat(2 ** 20 / prefix.length))
    for (const begin of [
      'password=',
      'token="',
      'sk-',
      'eyJ',
      'Bearer ',
      '://',
      '://a:',
      '-----BEGIN PRIVATE KEY',
    ])
      redact(begin + prefix.repeat(2 ** 16 / prefix.length))
    // A quadratic pattern would take minutes.
    expect(process.cpuUsage(time).user / 1e6).toBeLessThan(3)
  })
})
