import { expect, it } from 'vitest'
import { InputGate } from './input-gate.ts'

it('lets through in order, once nothing holds, and stops in the middle when something holds again', () => {
  const gate = new InputGate()
  const passed: string[] = []
  gate.pass(1e6, () => passed.push('at once'))
  gate.hold()
  gate.hold()
  gate.pass(1e6, () => {
    passed.push('first')
    gate.hold()
  })
  gate.pass(1e6, () => passed.push('second'))
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
  for (const name of ['first', 'second']) gate.pass(1e6, () => passed.push(name))
  gate.end()
  gate.hold()
  gate.pass(1e6, () => passed.push('late'))
  gate.release()
  expect(passed).toEqual(['first', 'second', 'late'])
})

it('lets small messages through while something holds, up to a point', () => {
  const gate = new InputGate()
  const passed: number[] = []
  gate.hold()
  gate.pass(64 * 1024 + 1, () => passed.push(-1))
  gate.pass(Infinity, () => passed.push(-2))
  for (let count = 0; count < 200; count++) gate.pass(64 * 1024, () => passed.push(count))
  expect(passed).toHaveLength(128)
  gate.release()
  expect(passed).toHaveLength(202)
  expect(passed.slice(128, 131)).toEqual([-1, -2, 128])
  gate.hold()
  gate.pass(1, () => passed.push(-3))
  expect(passed.at(-1)).toBe(-3)
})
