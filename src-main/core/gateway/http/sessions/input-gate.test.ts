import { expect, it } from 'vitest'
import { InputGate } from './input-gate.ts'

it('lets through in order, once nothing holds, and stops in the middle when something holds again', () => {
  const gate = new InputGate()
  const passed: string[] = []
  gate.pass(() => passed.push('at once'))
  gate.hold()
  gate.hold()
  gate.pass(() => {
    passed.push('first')
    gate.hold()
  })
  gate.pass(() => passed.push('second'))
  gate.release()
  expect(passed).toEqual(['at once'])
  gate.release()
  expect(passed).toEqual(['at once', 'first'])
  gate.release()
  expect(passed).toEqual(['at once', 'first', 'second'])
})

it('lets all through at its end', () => {
  const gate = new InputGate()
  const passed: string[] = []
  gate.hold()
  for (const name of ['first', 'second']) gate.pass(() => passed.push(name))
  gate.end()
  gate.hold()
  gate.pass(() => passed.push('late'))
  gate.release()
  expect(passed).toEqual(['first', 'second', 'late'])
})
