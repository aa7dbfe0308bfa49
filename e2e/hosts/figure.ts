/** Shows a measured figure in the output of the run. */
export function tellFigure(what: string, value: number, unit: string): void {
  const rounded = Number.isInteger(value) ? String(value) : value.toPrecision(3)
  // eslint-disable-next-line no-console -- This is what vitest shows beside the name of the test.
  console.info(`${what}: ${rounded} ${unit}`)
}

/** The middle value; of an even number of values the upper one of the two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}
