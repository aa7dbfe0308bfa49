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
