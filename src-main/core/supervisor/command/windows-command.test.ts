import { describe, expect, it } from 'vitest'
import type { CommandFiles } from './command-files.ts'
import { parseShim, toWindowsCommand } from './windows-command.ts'

/** Text of a batch file that npm brings. */
const toNpmShim = (name: 'NPM' | 'NPX') =>
  [
    ":: Created by npm, please don't edit manually.",
    '@ECHO OFF',
    '',
    'SETLOCAL',
    '',
    String.raw`SET "NODE_EXE=%~dp0\node.exe"`,
    'IF NOT EXIST "%NODE_EXE%" (',
    '  SET "NODE_EXE=node"',
    ')',
    '',
    String.raw`SET "NPM_PREFIX_JS=%~dp0\node_modules\npm\bin\npm-prefix.js"`,
    `SET "${name}_CLI_JS=%~dp0\\node_modules\\npm\\bin\\${name.toLowerCase()}-cli.js"`,
    `FOR /F "delims=" %%F IN ('CALL "%NODE_EXE%" "%NPM_PREFIX_JS%"') DO (`,
    `  SET "NPM_PREFIX_${name}_CLI_JS=%%F\\node_modules\\npm\\bin\\${name.toLowerCase()}-cli.js"`,
    ')',
    `IF EXIST "%NPM_PREFIX_${name}_CLI_JS%" (`,
    `  SET "${name}_CLI_JS=%NPM_PREFIX_${name}_CLI_JS%"`,
    ')',
    '',
    `"%NODE_EXE%" "%${name}_CLI_JS%" %*`,
    '',
  ].join('\r\n')

/** What npm's cmd-shim writes for the command of a package. */
const toPackageShim = (program: string, flags: string, variables = '') =>
  [
    '@ECHO off',
    'GOTO start',
    ':find_dp0',
    'SET dp0=%~dp0',
    'EXIT /b',
    ':start',
    'SETLOCAL',
    'CALL :find_dp0',
    variables,
    String.raw`IF EXIST "%dp0%\${program}.exe" (`,
    String.raw`  SET "_prog=%dp0%\${program}.exe"`,
    ') ELSE (',
    `  SET "_prog=${program}"`,
    '  SET PATHEXT=%PATHEXT:;.JS;=;%',
    ')',
    '',
    'endLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & ' +
      String.raw`"%_prog%" ${flags} "%dp0%\node_modules\pkg\cli.js" %*`,
    '',
  ].join('\r\n')

const olderShim = [
  '@SETLOCAL',
  String.raw`@IF EXIST "%~dp0\node.exe" (`,
  String.raw`  "%~dp0\node.exe"  "%~dp0\..\dist\npx.js" %*`,
  ') ELSE (',
  '  @SET PATHEXT=%PATHEXT:;.JS;=;%',
  String.raw`  node  "%~dp0\..\dist\npx.js" %*`,
  ')',
].join('\r\n')

const folder = String.raw`C:\Program Files\nodejs`
const shell = String.raw`C:\Windows\System32\cmd.exe`

/** Files of Windows with their text. */
function createPlaces(texts: Readonly<Record<string, string>>, node?: string) {
  const files: CommandFiles = {
    canRun: (file) => Promise.resolve(file in texts),
    readStart: (file, bytes) => Promise.resolve(texts[file]?.slice(0, bytes) ?? ''),
  }
  return { files, shell, findNode: () => Promise.resolve(node) }
}

/** What a batch file gets for an argument: cmd.exe takes away one layer for its line and one for `%*`. */
function readByCmd(line: string): string {
  const readOnce = (text: string) => {
    let result = ''
    let isQuoted = false
    for (let at = 0; at < text.length; at++) {
      if (text[at] === '^' && !isQuoted) at++
      else if (text[at] === '"') isQuoted = !isQuoted
      result += text[at] ?? ''
    }
    return result
  }
  return readOnce(readOnce(line))
}

describe('toWindowsCommand', () => {
  it('leaves a program as it is', async () => {
    const command = String.raw`C:\tools\uvx.exe`
    expect(await toWindowsCommand(command, ['a b'], createPlaces({}))).toEqual({ command, args: ['a b'] })
  })

  it('runs the script of npx.cmd with the node.exe beside it', async () => {
    const script = String.raw`${folder}\node_modules\npm\bin\npx-cli.js`
    const places = createPlaces({
      [String.raw`${folder}\npx.CMD`]: toNpmShim('NPX'),
      [String.raw`${folder}\node.exe`]: '',
      [script]: '',
    })
    expect(await toWindowsCommand(String.raw`${folder}\npx.CMD`, ['-y', 'a & b'], places)).toEqual({
      command: String.raw`${folder}\node.exe`,
      args: [script, '-y', 'a & b'],
    })
  })

  it('runs the script of a package with the node.exe that PATH leads to, and its flags', async () => {
    const roaming = String.raw`C:\Users\me\AppData\Roaming\npm`
    const script = String.raw`${roaming}\node_modules\pkg\cli.js`
    const places = createPlaces(
      { [String.raw`${roaming}\pkg.cmd`]: toPackageShim('node', '--no-warnings  --x'), [script]: '' },
      String.raw`D:\node.exe`,
    )
    expect(await toWindowsCommand(String.raw`${roaming}\pkg.cmd`, ['a'], places)).toEqual({
      command: String.raw`D:\node.exe`,
      args: ['--no-warnings', '--x', script, 'a'],
    })
  })

  it('leaves a batch file to cmd.exe when its script or node.exe is nowhere', async () => {
    const file = String.raw`C:\x\pkg.cmd`
    const text = toPackageShim('node', '')
    const script = String.raw`C:\x\node_modules\pkg\cli.js`
    for (const places of [
      createPlaces({ [file]: text }, 'C:\\n.exe'),
      createPlaces({ [file]: text, [script]: '' }),
    ]) {
      expect(await toWindowsCommand(file, [], places)).toEqual({
        command: shell,
        args: ['/d', '/s', '/c', String.raw`"C:\x\pkg.cmd"`],
        verbatim: true,
      })
    }
  })

  it.each([
    ['plain', '"plain"'],
    ['', '""'],
    ['a b & c | d > e ^ f', '"a b & c | d > e ^ f"'],
    ['%PATH% !x!', '"%PATH% !x!"'],
    ['say "hi" & exit', String.raw`"say \"hi\" & exit"`],
    ['C:\\a\\', '"C:\\a\\\\"'],
    [String.raw`a\"b`, String.raw`"a\\\"b"`],
  ])('hands %j through cmd.exe as it is', async (argument, expected) => {
    const file = String.raw`C:\My Tools\run.bat`
    const { args } = await toWindowsCommand(file, [argument], createPlaces({ [file]: '@echo off' }))
    const line = args[3]!
    expect(args.slice(0, 3)).toEqual(['/d', '/s', '/c'])
    const start = '"C:\\My^ Tools\\run.bat '
    expect(line.startsWith(start) && line.endsWith('"')).toBe(true)
    const quoted = line.slice(start.length, -1)
    expect(readByCmd(quoted)).toBe(expected)
    // Nothing that means something to cmd.exe stands alone, in either of the two readings.
    expect(quoted.replace(/\^\^\^[^\w]/g, '')).not.toMatch(/[()\][%!^"`<>&|;, *?]/)
  })

  it.each(['a\nb', 'a\r', '\0'])('refuses an argument that nothing quotes: %j', async (argument) => {
    const file = String.raw`C:\x\run.bat`
    await expect(toWindowsCommand(file, [argument], createPlaces({}))).rejects.toThrow(
      'one of its arguments has a line break, which cannot be given to the batch file “run.bat”',
    )
  })
})

describe('parseShim', () => {
  it('finds the script that npm, and its cmd-shim then and now, would run', () => {
    expect(parseShim(toNpmShim('NPM'))?.script).toBe(String.raw`node_modules\npm\bin\npm-cli.js`)
    expect(parseShim(toNpmShim('NPX'))?.script).toBe(String.raw`node_modules\npm\bin\npx-cli.js`)
    expect(parseShim(toPackageShim('node', ''))).toEqual({
      nodeArgs: [],
      script: String.raw`node_modules\pkg\cli.js`,
    })
    expect(parseShim(olderShim)).toEqual({ nodeArgs: [], script: String.raw`..\dist\npx.js` })
  })

  it.each([
    ['another program', toPackageShim('python', '')],
    ['variables of its own', toPackageShim('node', '', '@SET NODE_ENV=production')],
    ['where modules are', `@SET "NODE_PATH=C:\\x"\r\n${olderShim}`],
    ['flags that need quotes', toPackageShim('node', '--x="a b"')],
    ['a script that is elsewhere', toNpmShim('NPX').replaceAll('%~dp0', 'C:')],
    ['no script', '@echo off\r\npython -m server %*\r\n'],
    ['nothing', ''],
  ])('does not take over a batch file with %s', (...[, text]) => {
    expect(parseShim(text)).toBeUndefined()
  })
})
