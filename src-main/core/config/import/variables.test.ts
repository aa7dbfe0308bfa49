import { describe, expect, it } from 'vitest'
import { substitute } from '../substitute.ts'
import { VariableWriter, type VariableStyle } from './variables.ts'

const env = { HOME: '/home/me', SET: 'value' }

describe('VariableWriter', () => {
  it.each([
    ['shell', 'a ${SET} ${SET:-b} ${env:SET} ${env:SET:-c}', 'a ${SET} ${SET:-b} ${SET} ${SET:-c}'],
    ['shell', '${userHome}${pathSeparator}x${/}', '${HOME}/x/'],
    ['shell', '${#list} $SET ${ ${A${SET}', '$${#list} $SET $${ $${A${SET}'],
    ['shell', '${UNSET} ${__proto__}', '${UNSET:-} ${__proto__:-}'],
    ['editor', '${SET} ${env:SET} ${SET:-b}', '$${SET} ${SET} $${SET:-b}'],
    ['editor', '${input:key} ${env:a b}', '$${input:key} $${env:a b}'],
    ['none', '${SET} ${userHome} $${X}', '$${SET} $${userHome} $$${X}'],
    ['braces', '{env:SET} ${SET} {env:UNSET} ${', '${SET} $${SET} ${UNSET:-} $${'],
    ['braces', '{file:a} ${env:SET}', '{file:a} $${env:SET}'],
    ['own', '${SET} $${SET} ${SET:?why} ${UNSET}', '${SET} $${SET} ${SET:?why} ${UNSET:-}'],
  ] as const)('%s: %s', (style, text, written) => {
    expect(new VariableWriter(style, env).write(text)).toBe(written)
  })

  it('tells what is missing', () => {
    const writer = new VariableWriter('shell', env)
    writer.write('${UNSET} ${SET} ${env:OTHER} ${workspaceFolder}/x $${SET}')
    expect([...writer.missing]).toEqual(['UNSET', 'OTHER'])
    expect([...writer.unknown]).toEqual(['${workspaceFolder}', '$${SET}'])
  })

  it.each(['shell', 'editor', 'none', 'braces'] satisfies VariableStyle[])(
    'writes for %s what our own reading takes, and a text without variables as it is',
    (style) => {
      const text = 'plain $ {} $$ ${no variable} $${x y} end${'
      const { text: read, complaints } = substitute(new VariableWriter(style, env).write(text), env)
      expect(complaints).toEqual([])
      expect(read).toBe(text)
    },
  )

  it('knows the home folder at the start of a path, on Windows too', () => {
    expect(new VariableWriter('none', env).writePath('~/x')).toBe('${HOME}/x')
    expect(new VariableWriter('none', env).writePath('a~/x')).toBe('a~/x')
    expect(new VariableWriter('none', { USERPROFILE: 'C:\\me' }).writePath('~\\x')).toBe('${USERPROFILE}\\x')
  })
})
