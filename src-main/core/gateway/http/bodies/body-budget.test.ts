import { describe, expect, it } from 'vitest'
import { BodyBudget } from './body-budget.ts'

function setUp(bytes: number) {
  const budget = new BodyBudget(bytes)
  const granted: string[] = []
  const reserve = (name: string, wanted: number) => budget.reserve(wanted, () => granted.push(name))
  return { granted, reserve }
}

describe('BodyBudget', () => {
  it('grants in order, as far as there is room, and the next as room is given back', () => {
    const { granted, reserve } = setUp(10)
    const giveBack = reserve('first', 6)
    reserve('second', 4)
    reserve('third', 8)
    reserve('fourth', 1)
    expect(granted).toEqual(['first', 'second'])
    giveBack()
    giveBack()
    expect(granted).toEqual(['first', 'second'])
  })

  it('lets those behind one that gave up go on', () => {
    const { granted, reserve } = setUp(10)
    reserve('first', 8)
    const giveUp = reserve('second', 5)
    reserve('third', 2)
    giveUp()
    expect(granted).toEqual(['first', 'third'])
  })

  it('grants one alone, however large', () => {
    const { granted, reserve } = setUp(10)
    const giveBack = reserve('huge', 100)
    reserve('small', 1)
    expect(granted).toEqual(['huge'])
    giveBack()
    expect(granted).toEqual(['huge', 'small'])
  })
})
